"""``Vectorcache``, an LLM of LlamaIndex."""

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
    find_part,
    find_question,
    mark_question,
    read_messages,
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

    The last user message is the prompt. The system message and earlier turns become part of the
    context, as a digest, so an LLM that is asked on a miss sees only the prompt.

    ``additional_kwargs["vectorcache"]`` of an answer is a dictionary with ``cache_hit``,
    ``similarity_score``, ``cost_saved`` (US dollars), ``llm_provider``, ``request_id``,
    ``attempts``, ``elapsed`` (seconds) and more; ``raw`` is the response of the service. A stream
    replays a complete answer, and its dictionary also has ``replayed``. Tools and content other
    than text are refused.

    A long prompt, or one with line breaks, is answered from the cache only if it is repeated
    exactly. With clients made by ``local()``, the question of a query engine is compared by its
    meaning, among questions with the same template and passages.

    Each call takes ``stop`` and the arguments of ``VectorcacheClient.query``, as in
    ``llm.complete(..., similarity_threshold=0.95)``.
    """

    # Pydantic then refuses a misspelt option.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    model: str | None = Field(default=None, description="The LLM to ask on a miss.")
    ignore: list[str] = Field(default_factory=list, description="Parameters that may be ignored.")
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
            client: your own client, which is not closed with this object.
            async_client: your own client for ``acomplete`` and ``achat``; without it, ``client`` is
                asked in a thread.
            ignore: parameters that may be ignored, such as ``["temperature"]``: answers were and
                will be made without them.
            options: without a client, the arguments of its constructor, such as ``api_key`` (by
                default the environment's ``VECTORCACHE_API_KEY``), ``context`` and ``deadline``
                (seconds); ``context_window`` and ``num_output``, in tokens, by which LlamaIndex
                packs prompts (the service accepts 32,000 characters); and the arguments of every
                LLM of LlamaIndex, such as ``system_prompt`` and ``callback_manager``.

        Raises:
            ConfigurationError: an option is invalid, or there is no key.
        """
        for_client = {name: options.pop(name) for name in _CLIENT_OPTIONS & options.keys()}
        clients = Clients.given_or_made(client, async_client, cast(ClientOptions, for_client))
        super().__init__(
            model=model or clients.settings.model, ignore=sorted(checked_ignore(ignore)), **options
        )
        self._clients = clients

    @classmethod
    def class_name(cls) -> str:
        """Returns LlamaIndex's name for this kind of LLM."""
        return "vectorcache_llm"

    # LlamaIndex's own caches identify a component by this dictionary, so it must differ between
    # LLMs that may answer differently.
    @model_serializer(mode="wrap")
    def custom_model_dump(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """Returns the fields, and the client settings that decide an answer; never the key."""
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
        """Makes an LLM from the result of ``to_dict``.

        Args:
            data: the result of ``to_dict``.
            kwargs: arguments of the constructor: a ``client``, or an ``api_key`` unless the
                environment has it.

        Raises:
            ConfigurationError: an option is invalid, or there is no key.
        """
        without = {"identity"}
        if kwargs.get("client") is not None or kwargs.get("async_client") is not None:
            without |= _CLIENT_OPTIONS - {"model"}  # The client has its own options.
        kept = {name: value for name, value in data.items() if name not in without}
        return super().from_dict(kept, **kwargs)

    @property
    def metadata(self) -> LLMMetadata:
        """The limits by which LlamaIndex packs prompts."""
        return LLMMetadata(
            context_window=self.context_window,
            num_output=self.num_output,
            is_chat_model=True,
            model_name=self.model or "unknown",
        )

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answers the last message of a conversation; raises the errors of a client's ``query``."""
        arguments, parameters = self._chat_arguments(messages, kwargs)
        return chat_response(self._clients.query(arguments), parameters)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answers the last message of a conversation, as ``chat`` does."""
        arguments, parameters = self._chat_arguments(messages, kwargs)
        return chat_response(await self._clients.aquery(arguments), parameters)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answers a prompt; raises the errors of a client's ``query``."""
        arguments, parameters = self._prompt_arguments(prompt, formatted, kwargs)
        return completion_response(self._clients.query(arguments), parameters)

    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Answers a prompt, as ``complete`` does."""
        arguments, parameters = self._prompt_arguments(prompt, formatted, kwargs)
        return completion_response(await self._clients.aquery(arguments), parameters)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answers as ``chat`` does, and replays the answer in pieces."""
        arguments, parameters = self._chat_arguments(messages, kwargs)
        return replayed_chat(self._clients.query(arguments), parameters)

    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Answers as ``achat`` does, and replays the answer in pieces."""
        arguments, parameters = self._chat_arguments(messages, kwargs)
        return as_async(replayed_chat(await self._clients.aquery(arguments), parameters))

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Answers as ``complete`` does, and replays the answer in pieces."""
        arguments, parameters = self._prompt_arguments(prompt, formatted, kwargs)
        return replayed_completion(self._clients.query(arguments), parameters)

    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Answers as ``acomplete`` does, and replays the answer in pieces."""
        arguments, parameters = self._prompt_arguments(prompt, formatted, kwargs)
        return as_async(replayed_completion(await self._clients.aquery(arguments), parameters))

    def _get_messages(self, prompt: BasePromptTemplate, **prompt_args: Any) -> list[ChatMessage]:
        # LlamaIndex's predict() and stream() call this method. Only here is the question still
        # separate from the template and the passages.
        messages = super()._get_messages(prompt, **prompt_args)
        question = (
            find_question(prompt, prompt_args, self) if self._clients.compares_parts else None
        )
        if question is None:
            return messages
        without = super()._get_messages(prompt, **{**prompt_args, QUESTION_VARIABLE: ""})
        return mark_question(messages, question, without)

    def _prompt_arguments(
        self, prompt: str, formatted: bool, given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Parameters]:
        if not formatted and self.completion_to_prompt is not None:
            prompt = self.completion_to_prompt(prompt)
        return self._query_arguments([Message("user", prompt)], given)

    def _chat_arguments(
        self, messages: Sequence[ChatMessage], given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Parameters]:
        part = find_part(messages) if self._clients.compares_parts else None
        return self._query_arguments(read_messages(messages), given, part)

    def _query_arguments(
        self, messages: Sequence[Message], given: Mapping[str, Any], part: Part | None = None
    ) -> tuple[dict[str, Any], Parameters]:
        if given.get("stream"):
            raise InvalidRequestError(
                "stream is True, which has no effect here: call stream_chat() or "
                "stream_complete(), or their async forms (nothing was sent)"
            )
        parameters = Parameters.checked({"model": self.model, **given}, self.ignore)
        return parameters.query(messages, self._clients.settings.context, part), parameters

    def close(self) -> None:
        """Closes the connections of ``chat`` and ``complete``, unless you passed the client."""
        self._clients.close()

    async def aclose(self) -> None:
        """Closes all connections, unless you passed the clients."""
        await self._clients.aclose()

    def __getstate__(self) -> NoReturn:
        raise TypeError(
            "Vectorcache cannot be pickled, as it holds a key and open connections: make one in "
            "the process that uses it"
        )
