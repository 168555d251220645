"""``Vectorcache``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, Self, cast

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.constants import DEFAULT_CONTEXT_WINDOW, DEFAULT_NUM_OUTPUTS
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.custom import CustomLLM
from llama_index.core.prompts import BasePromptTemplate
from pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from ... import AsyncVectorcacheClient, VectorcacheClient
from ..._settings import ClientOptions
from ...errors import InvalidRequestError
from .._clients import Clients
from .._messages import Message, Part
from .._parameters import Parameters, checked_ignore
from .messages import (
    QUESTION_VARIABLE,
    part_of,
    question_of,
    read_messages,
    with_part,
)
from .responses import (
    as_async,
    chat_response,
    completion_response,
    replayed_chat,
    replayed_completion,
)

_CLIENT_OPTIONS = ClientOptions.__annotations__.keys()


class Vectorcache(CustomLLM):
    """An LLM whose answers come from the cache, or from the LLM that it asks on a miss.

    The last user message is the prompt; the system message and earlier turns are a part of the
    context, as a digest. So an LLM that is asked on a miss sees the prompt alone.

    ``additional_kwargs["vectorcache"]`` of an answer is a dictionary with ``cache_hit``,
    ``similarity_score``, ``cost_saved`` (US dollars), ``llm_provider``, ``request_id``,
    ``attempts``, ``elapsed`` (seconds) and more; ``raw`` is what the service sent. A stream
    replays an answer that was asked for as a whole, and says ``replayed`` there. Tools and
    content other than text are refused.

    A prompt that is long, or has line ends, is answered from the cache only where it is repeated
    to the letter. With clients made by ``local()``, query engines do better: their question is
    compared by its meaning, among those with the same template and passages.

    Each call takes ``stop`` and what ``VectorcacheClient.query`` takes, as in
    ``llm.complete(..., similarity_threshold=0.95)``.
    """

    # So that a misspelt option does not go unnoticed.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    model: str | None = Field(default=None, description="The LLM to ask on a miss.")
    ignore: list[str] = Field(
        default_factory=list, description="Parameters that may be left unheard."
    )
    context_window: int = Field(
        default=DEFAULT_CONTEXT_WINDOW, description="Tokens that LlamaIndex packs into a prompt."
    )
    num_output: int = Field(
        default=DEFAULT_NUM_OUTPUTS, description="Tokens that LlamaIndex leaves for the answer."
    )

    _clients: Clients = PrivateAttr()

    def __init__(
        self,
        model: str | None = None,
        *,
        client: VectorcacheClient | None = None,
        async_client: AsyncVectorcacheClient | None = None,
        ignore: Iterable[str] = (),
        **options: Any,
    ) -> None:
        """Makes an LLM; nothing is sent or opened yet.

        Args:
            model: the LLM to ask on a miss; by default that of ``client``.
            client: a client of your own, which stays yours to close.
            async_client: the same for ``acomplete`` and ``achat``; without it, ``client`` is
                asked in a thread.
            ignore: parameters that may be left unheard, such as ``["temperature"]``: answers
                were and will be made without them.
            options: without a client, what its constructor takes, such as ``api_key`` (by
                default the environment's ``VECTORCACHE_API_KEY``), ``context`` and ``deadline``
                (seconds); ``context_window`` and ``num_output``, in tokens, by which LlamaIndex
                packs prompts (the service takes 32,000 characters); and what every LLM of
                LlamaIndex takes, such as ``system_prompt`` and ``callback_manager``.

        Raises:
            ConfigurationError: an option is at fault, or there is no key.
        """
        for_client = {name: options.pop(name) for name in _CLIENT_OPTIONS & options.keys()}
        clients = Clients.given_or_made(client, async_client, cast(ClientOptions, for_client))
        super().__init__(
            model=model or clients.settings.model, ignore=sorted(checked_ignore(ignore)), **options
        )
        self._clients = clients

    @classmethod
    def class_name(cls) -> str:
        """LlamaIndex's name for this kind of LLM."""
        return "vectorcache_llm"

    # LlamaIndex's own caches know a component by what this returns, and so must tell apart what
    # would answer differently.
    @model_serializer(mode="wrap")
    def custom_model_dump(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """The fields, and the settings of the clients that decide an answer; never the key."""
        settings = self._clients.settings
        return {
            **handler(self),
            "class_name": self.class_name(),
            "base_url": settings.base_url,
            "context": settings.context,
            "similarity_threshold": settings.similarity_threshold,
            "identity": self._clients.identity,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """Makes an LLM of what ``to_dict`` returned.

        Args:
            data: as ``to_dict`` returned it.
            kwargs: what the constructor takes: a ``client``, or an ``api_key`` unless the
                environment has it.

        Raises:
            ConfigurationError: as the constructor.
        """
        without = {"identity"}
        if kwargs.get("client") is not None or kwargs.get("async_client") is not None:
            without |= _CLIENT_OPTIONS - {"model"}  # Which the client has.
        kept = {name: value for name, value in data.items() if name not in without}
        return super().from_dict(kept, **kwargs)

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex packs prompts by."""
        return LLMMetadata(
            context_window=self.context_window,
            num_output=self.num_output,
            is_chat_model=True,
            model_name=self.model or "unknown",
        )

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answers a conversation's last message; raises what ``VectorcacheClient.query`` does."""
        arguments, parameters = self._asked_by(messages, kwargs)
        return chat_response(self._clients.query(arguments), parameters)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answers a conversation's last message, as ``chat`` does."""
        arguments, parameters = self._asked_by(messages, kwargs)
        return chat_response(await self._clients.aquery(arguments), parameters)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answers a prompt; raises what ``VectorcacheClient.query`` does."""
        arguments, parameters = self._asked(self._alone(prompt, formatted), kwargs)
        return completion_response(self._clients.query(arguments), parameters)

    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Answers a prompt, as ``complete`` does."""
        arguments, parameters = self._asked(self._alone(prompt, formatted), kwargs)
        return completion_response(await self._clients.aquery(arguments), parameters)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answers as ``chat`` does, and replays the answer in pieces."""
        arguments, parameters = self._asked_by(messages, kwargs)
        return replayed_chat(self._clients.query(arguments), parameters)

    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Answers as ``achat`` does, and replays the answer in pieces."""
        arguments, parameters = self._asked_by(messages, kwargs)
        return as_async(replayed_chat(await self._clients.aquery(arguments), parameters))

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Answers as ``complete`` does, and replays the answer in pieces."""
        arguments, parameters = self._asked(self._alone(prompt, formatted), kwargs)
        return replayed_completion(self._clients.query(arguments), parameters)

    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Answers as ``acomplete`` does, and replays the answer in pieces."""
        arguments, parameters = self._asked(self._alone(prompt, formatted), kwargs)
        return as_async(replayed_completion(await self._clients.aquery(arguments), parameters))

    def _get_messages(self, prompt: BasePromptTemplate, **prompt_args: Any) -> list[ChatMessage]:
        # LlamaIndex's predict() and stream() come by here: the one place that knows the question
        # apart from the template and the passages.
        messages = super()._get_messages(prompt, **prompt_args)
        question = question_of(prompt, prompt_args, self) if self._clients.compares_parts else None
        if question is None:
            return messages
        without = super()._get_messages(prompt, **{**prompt_args, QUESTION_VARIABLE: ""})
        return with_part(messages, question, without)

    def _alone(self, prompt: str, formatted: bool) -> list[Message]:
        if not formatted and self.completion_to_prompt is not None:
            prompt = self.completion_to_prompt(prompt)
        return [Message("user", prompt)]

    def _asked_by(
        self, messages: Sequence[ChatMessage], given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Parameters]:
        part = part_of(messages) if self._clients.compares_parts else None
        return self._asked(read_messages(messages), given, part)

    def _asked(
        self, messages: Sequence[Message], given: Mapping[str, Any], part: Part | None = None
    ) -> tuple[dict[str, Any], Parameters]:
        if given.get("stream"):
            raise InvalidRequestError(
                "stream=True has no effect here: use stream_chat() or stream_complete(), or "
                "their async forms (nothing was sent)"
            )
        parameters = Parameters.checked({"model": self.model, **given}, self.ignore)
        return parameters.query(messages, self._clients.settings.context, part), parameters

    def close(self) -> None:
        """Closes the connections of ``chat`` and ``complete``, unless the client was given."""
        self._clients.close()

    async def aclose(self) -> None:
        """Closes all connections, unless the clients were given."""
        await self._clients.aclose()

    def __getstate__(self) -> NoReturn:
        raise TypeError(
            "Vectorcache cannot be pickled, as it holds a key and open connections: make one in "
            "the process that uses it"
        )
