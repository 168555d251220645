"""``ChatVectorcache``, a chat model of LangChain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils import secret_from_env
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr

from ... import AsyncVectorcacheClient, VectorcacheClient
from ..._response import VectorcacheResponse
from ..._secret import hidden
from ..._settings import API_KEY_VARIABLE, ClientOptions
from ...errors import InvalidRequestError
from .._clients import Clients
from .._parameters import Parameters, checked_ignore, httpx_timeout
from .._pieces import pieces
from .._reply import replayed_details
from .conversation import read_messages, reply_fields

# The fields that are the defaults of a call's parameters.
_DEFAULTS = (
    "model",
    "similarity_threshold",
    "context",
    "include_debug",
    "timeout",
    "deadline",
    "max_retries",
    "temperature",
    "max_tokens",
)


class ChatVectorcache(BaseChatModel):
    """A chat model whose answers come from the cache, or from the LLM that it asks on a miss.

    The last user message is the prompt. The system message and earlier turns become part of the
    context, as a digest, so an LLM that is asked on a miss sees only the prompt.

    ``response_metadata["vectorcache"]`` of an answer is a dictionary with ``cache_hit``,
    ``similarity_score``, ``cost_saved`` (US dollars), ``llm_provider``, ``request_id``,
    ``attempts``, ``elapsed`` (seconds) and more. There is no ``usage_metadata``, as tokens are not
    counted. ``stream`` replays a complete answer; its last chunk has the metadata, with
    ``replayed``. Tools, structured output and content other than text are refused.

    A long prompt, or one with line breaks, is answered from the cache only if it is repeated
    exactly.

    Each call takes ``stop`` and the arguments of ``VectorcacheClient.query``, as in
    ``model.invoke(..., similarity_threshold=0.95)``.

    Raises:
        ConfigurationError: an option is invalid, or there is no key.
    """

    # Pydantic then refuses a misspelt option, and shows no key in its errors.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    model: str | None = None
    """The LLM to ask on a miss; by default that of ``client``."""
    api_key: SecretStr | Callable[[], str | Awaitable[str]] | None = Field(
        default_factory=secret_from_env(API_KEY_VARIABLE, default=None)
    )
    """The key, or a function that returns it before each attempt; by default the
    environment's ``VECTORCACHE_API_KEY``."""
    base_url: str | None = None
    """The service; by default the environment's ``VECTORCACHE_BASE_URL``, else the hosted one."""
    client: VectorcacheClient | None = None
    """Your own client, which is not closed with the model; pass no key and no URL with it."""
    async_client: AsyncVectorcacheClient | None = None
    """Your own client for ``ainvoke``; without it, ``client`` is asked in a thread."""
    similarity_threshold: float | None = None
    """Least cosine similarity, 0 to 1, at which an earlier prompt counts as the same."""
    context: str | None = None
    """The part of the cache that is used; by default the client's."""
    include_debug: bool | None = None
    """Whether the metadata include timings."""
    timeout: float | httpx.Timeout | None = None
    """Seconds one attempt may take, or a ``Timeout``; by default the client's, 30."""
    deadline: float | None = None
    """Seconds a whole call may take; by default the client's, 60."""
    max_retries: int | None = None
    """How many attempts may follow the first; by default the client's, 2."""
    stop: list[str] | None = None
    """Stop sequences; an answer ends before the first that occurs in it."""
    temperature: float | None = None
    """Refused, as the service has no such setting, unless ``ignore`` names it."""
    max_tokens: int | None = None
    """Refused, as the service has no such setting, unless ``ignore`` names it."""
    ignore: list[str] = Field(default_factory=list)
    """Parameters that may be ignored: answers were and will be made without them."""
    streaming: bool = False
    """Whether ``invoke`` also passes the pieces of the answer to callbacks."""

    _clients: Clients = PrivateAttr()

    # Type checkers take the signature from the fields. The checks are here and not in validators,
    # whose errors pydantic would wrap.
    if not TYPE_CHECKING:

        def __init__(self, **options: Any) -> None:
            if isinstance(options.get("api_key"), str):
                options["api_key"] = SecretStr(options["api_key"])
            if "timeout" in options:
                options["timeout"] = httpx_timeout(options["timeout"])
            if any(options.get(name) is not None for name in ("client", "async_client")):
                # A client has its own key. Without None, the field would hold the environment's
                # key, which would look like a given key when LangChain copies the fields.
                options.setdefault("api_key", None)
            super().__init__(**options)
            self._clients = self._make_clients()
            self.model = self.model or self._clients.settings.model
            Parameters.checked(self._default_parameters(), checked_ignore(self.ignore))

    def _make_clients(self) -> Clients:
        own: dict[str, Any] = {}
        if self.api_key is not None:
            own["api_key"] = hidden(self.api_key)
        if self.base_url is not None:
            own["base_url"] = self.base_url
        return Clients.given_or_made(self.client, self.async_client, cast(ClientOptions, own))

    def _default_parameters(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in _DEFAULTS}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def _llm_type(self) -> str:
        return "vectorcache"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        # LangChain's own cache and traces identify a model by these, so they include all that
        # decides an answer.
        settings = self._clients.settings
        return {
            "similarity_threshold": settings.similarity_threshold,
            "context": settings.context,
            **self._default_parameters(),
            # Not named "stop", because LangChain replaces that by the call's own.
            "stop_by_default": self.stop,
            "base_url": settings.base_url,
            "identity": self._clients.identity,
        }

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        arguments, parameters = self._query_arguments(messages, stop, kwargs)
        return _chat_result(reply_fields(self._clients.query(arguments), parameters))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        arguments, parameters = self._query_arguments(messages, stop, kwargs)
        return _chat_result(reply_fields(await self._clients.aquery(arguments), parameters))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        arguments, parameters = self._query_arguments(messages, stop, kwargs)
        yield from _replayed(self._clients.query(arguments), parameters)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        arguments, parameters = self._query_arguments(messages, stop, kwargs)
        for chunk in _replayed(await self._clients.aquery(arguments), parameters):
            yield chunk

    def _query_arguments(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> tuple[dict[str, Any], Parameters]:
        # LangChain has chosen the method by "stream".
        own = {n: value for n, value in given.items() if value is not None and n != "stream"}
        parameters = Parameters.checked(
            {**self._default_parameters(), "stop": stop or self.stop, **own}, self.ignore
        )
        context = self._clients.settings.context
        return parameters.query(read_messages(messages), context), parameters

    def bind_tools(self, *_: Any, **__: Any) -> NoReturn:
        """Refuses tools, because the cache answers only with text.

        Raises:
            InvalidRequestError: always.
        """
        raise InvalidRequestError(
            "ChatVectorcache calls no tools, as Vectorcache answers only with text: bind them to "
            "the LLM's own chat model (nothing was sent)"
        )

    def with_structured_output(self, *_: Any, **__: Any) -> NoReturn:
        """Refuses structured output, because the LLM receives no schema.

        Raises:
            InvalidRequestError: always.
        """
        raise InvalidRequestError(
            "ChatVectorcache has no structured output, as Vectorcache sends the LLM no schema: "
            "use an output parser, or the LLM's own chat model (nothing was sent)"
        )

    def close(self) -> None:
        """Closes the connections of ``invoke``, unless you passed the client."""
        self._clients.close()

    async def aclose(self) -> None:
        """Closes all connections, unless you passed the clients."""
        await self._clients.aclose()

    def __getstate__(self) -> NoReturn:
        raise TypeError(
            "ChatVectorcache cannot be pickled, as it holds a key and open connections: make one "
            "in the process that uses it"
        )


def _chat_result(fields: dict[str, Any]) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=AIMessage(**fields))])


def _replayed(result: VectorcacheResponse, parameters: Parameters) -> Iterator[ChatGenerationChunk]:
    fields = reply_fields(result, parameters)
    fields["response_metadata"]["vectorcache"] = replayed_details(result)
    *before, last = pieces(fields["content"]) or [""]
    for piece in before:
        yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
    # LangChain adds up the metadata of all chunks, so only the last chunk has them.
    last_fields = {**fields, "content": last, "chunk_position": "last"}
    yield ChatGenerationChunk(message=AIMessageChunk(**last_fields))
