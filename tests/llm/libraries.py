"""One interface to all libraries, so that one test covers all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import aclosing, closing
from functools import partial
from itertools import islice
from typing import Any

import attrs
import litellm
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from llama_index.core.llms import ChatMessage

from vectorcache import AsyncVectorcacheClient, VectorcacheClient, VectorcacheError
from vectorcache.integrations.langchain import ChatVectorcache
from vectorcache.integrations.litellm import VectorcacheLLM
from vectorcache.integrations.llamaindex import Vectorcache
from vectorcache.integrations.openai import AsyncOpenAI, OpenAI

# The messages in their order, each with its role and its text.
Conversation = list[tuple[str, str]]


@attrs.frozen
class Answer:
    """An answer as a library returns it.

    Attributes:
        text: the text that the user reads.
        details: the metadata of Vectorcache in the library's own metadata.
    """

    text: str
    details: dict[str, Any]


@attrs.frozen
class Stream:
    """A replayed answer as a library returns it.

    Attributes:
        chunks: the library's own objects.
        pieces: the texts in the chunks.
        details: the metadata of Vectorcache; empty if they have not arrived yet.
    """

    chunks: list[Any]
    pieces: list[str]
    details: dict[str, Any]


class Library(ABC):
    """A library's way to ask the cache; each test makes a new one.

    Args:
        client: answers sync calls.
        async_client: answers async calls.
        run: runs an async function in a sync test.
        ignore: parameters that may be ignored.
    """

    kind = ""

    def __init__(
        self,
        client: VectorcacheClient,
        async_client: AsyncVectorcacheClient,
        run: Callable[..., Any],
        ignore: Iterable[str] = (),
    ) -> None:
        self.client = client
        self.async_client = async_client
        self._run = run
        self.asked = self.make(ignore)

    @abstractmethod
    def make(self, ignore: Iterable[str]) -> Any: ...

    @abstractmethod
    def ask(self, conversation: Conversation, **parameters: Any) -> Answer: ...

    @abstractmethod
    def stream(self, conversation: Conversation, most: int | None = None) -> Stream:
        """Asks for a stream, and takes at most ``most`` of its chunks."""

    def error(self, conversation: Conversation, **parameters: Any) -> VectorcacheError:
        """Asks what must fail, and returns this package's error, the library's own or its cause."""
        try:
            answer = self.ask(conversation, **parameters)
        except Exception as error:
            ours = error if isinstance(error, VectorcacheError) else error.__cause__
            assert isinstance(ours, VectorcacheError), error
            return ours
        raise AssertionError(f"answered: {answer}")


class WithOpenAI(Library):
    def make(self, ignore: Iterable[str]) -> OpenAI:
        return OpenAI(self.client, ignore=ignore)

    def ask(self, conversation: Conversation, **parameters: Any) -> Answer:
        messages = [{"role": role, "content": text} for role, text in conversation]
        return self._read(self._create(messages=messages, **parameters))

    def _create(self, **arguments: Any) -> Any:
        return self.asked.chat.completions.create(**arguments)

    def _read(self, completion: Any) -> Answer:
        return Answer(completion.choices[0].message.content, completion.vectorcache)

    def stream(self, conversation: Conversation, most: int | None = None) -> Stream:
        messages = [{"role": role, "content": text} for role, text in conversation]
        chunks = self._stream(messages, most)
        texts = [chunk.choices[0].delta.content for chunk in chunks]
        return Stream(chunks, [text for text in texts if text], chunks[-1].vectorcache)

    def _stream(self, messages: Any, most: int | None) -> list[Any]:
        with self._create(messages=messages, stream=True) as stream:
            return list(islice(stream, most))


class WithAsyncOpenAI(WithOpenAI):
    def make(self, ignore: Iterable[str]) -> Any:
        return AsyncOpenAI(self.async_client, ignore=ignore)

    def _create(self, **arguments: Any) -> Any:
        return self._run(partial(self.asked.chat.completions.create, **arguments))

    def _stream(self, messages: Any, most: int | None) -> list[Any]:
        async def taken() -> list[Any]:
            create = self.asked.chat.completions.create
            async with await create(messages=messages, stream=True) as stream:
                return await _first(stream, most)

        chunks: list[Any] = self._run(taken)
        return chunks


_KINDS: dict[str, type[BaseMessage]] = {
    "user": HumanMessage,
    "assistant": AIMessage,
    "system": SystemMessage,
}


class WithLangChain(Library):
    def make(self, ignore: Iterable[str]) -> ChatVectorcache:
        return ChatVectorcache(
            client=self.client, async_client=self.async_client, ignore=list(ignore)
        )

    def ask(self, conversation: Conversation, **parameters: Any) -> Answer:
        message = self._invoke([_KINDS[role](text) for role, text in conversation], **parameters)
        return Answer(message.text, message.response_metadata["vectorcache"])

    def stream(self, conversation: Conversation, most: int | None = None) -> Stream:
        chunks = self._stream([_KINDS[role](text) for role, text in conversation], most)
        details = chunks[-1].response_metadata.get("vectorcache", {})
        return Stream(chunks, [chunk.content for chunk in chunks if chunk.content], details)

    def _stream(self, messages: list[BaseMessage], most: int | None) -> list[Any]:
        with closing(self.asked.stream(messages)) as stream:
            return list(islice(stream, most))

    def _invoke(self, messages: list[BaseMessage], **parameters: Any) -> Any:
        return self.asked.invoke(messages, **parameters)


class WithAsyncLangChain(WithLangChain):
    def _invoke(self, messages: list[BaseMessage], **parameters: Any) -> Any:
        return self._run(partial(self.asked.ainvoke, messages, **parameters))

    def _stream(self, messages: list[BaseMessage], most: int | None) -> list[Any]:
        async def taken() -> list[Any]:
            async with aclosing(self.asked.astream(messages)) as stream:
                return await _first(stream, most)

        chunks: list[Any] = self._run(taken)
        return chunks


class WithLlamaIndex(Library):
    def make(self, ignore: Iterable[str]) -> Vectorcache:
        return Vectorcache(client=self.client, async_client=self.async_client, ignore=ignore)

    def ask(self, conversation: Conversation, **parameters: Any) -> Answer:
        messages = [ChatMessage(role=role, content=text) for role, text in conversation]
        answer = self._chat(messages, **parameters)
        return Answer(answer.message.content, answer.additional_kwargs["vectorcache"])

    def stream(self, conversation: Conversation, most: int | None = None) -> Stream:
        chunks = self._stream([ChatMessage(role=r, content=text) for r, text in conversation], most)
        details = chunks[-1].additional_kwargs["vectorcache"]
        return Stream(chunks, [chunk.delta for chunk in chunks], details)

    def _chat(self, messages: list[ChatMessage], **parameters: Any) -> Any:
        return self.asked.chat(messages, **parameters)

    def _stream(self, messages: list[ChatMessage], most: int | None) -> list[Any]:
        with closing(self.asked.stream_chat(messages)) as stream:
            return list(islice(stream, most))


class WithAsyncLlamaIndex(WithLlamaIndex):
    def _chat(self, messages: list[ChatMessage], **parameters: Any) -> Any:
        return self._run(partial(self.asked.achat, messages, **parameters))

    def _stream(self, messages: list[ChatMessage], most: int | None) -> list[Any]:
        async def taken() -> list[Any]:
            async with aclosing(await self.asked.astream_chat(messages)) as stream:
                return await _first(stream, most)

        chunks: list[Any] = self._run(taken)
        return chunks


class WithLiteLLM(Library):
    def make(self, ignore: Iterable[str]) -> VectorcacheLLM:
        return VectorcacheLLM(self.client, self.async_client, ignore=ignore)

    def ask(self, conversation: Conversation, **parameters: Any) -> Answer:
        litellm.custom_provider_map = [{"provider": "vectorcache", "custom_handler": self.asked}]
        messages = [{"role": role, "content": text} for role, text in conversation]
        model = f"vectorcache/{parameters.pop('model', 'gpt-4o')}"
        answer = self._complete(model=model, messages=messages, **parameters)
        return Answer(answer.choices[0].message.content, answer._hidden_params["vectorcache"])

    def stream(self, conversation: Conversation, most: int | None = None) -> Stream:
        litellm.custom_provider_map = [{"provider": "vectorcache", "custom_handler": self.asked}]
        messages = [{"role": role, "content": text} for role, text in conversation]
        chunks = self._stream(
            {"model": "vectorcache/gpt-4o", "messages": messages, "stream": True}, most
        )
        deltas = [chunk.choices[0].delta for chunk in chunks]
        fields = [delta.provider_specific_fields or {} for delta in deltas]
        details = [each["vectorcache"] for each in fields if each]
        pieces = [delta.content for delta in deltas if delta.content]
        return Stream(chunks, pieces, details[0] if details else {})

    def _complete(self, **arguments: Any) -> Any:
        return litellm.completion(**arguments)

    def _stream(self, arguments: dict[str, Any], most: int | None) -> list[Any]:
        stream: Any = litellm.completion(**arguments)
        return list(islice(stream, most))


class WithAsyncLiteLLM(WithLiteLLM):
    def _complete(self, **arguments: Any) -> Any:
        return self._run(partial(litellm.acompletion, **arguments))

    def _stream(self, arguments: dict[str, Any], most: int | None) -> list[Any]:
        async def taken() -> list[Any]:
            return await _first(await litellm.acompletion(**arguments), most)

        chunks: list[Any] = self._run(taken)
        return chunks


async def _first(stream: Any, most: int | None) -> list[Any]:
    chunks = []
    async for chunk in stream:
        chunks.append(chunk)
        if len(chunks) == most:
            break
    return chunks


LIBRARIES: dict[str, type[Library]] = {
    "openai": WithOpenAI,
    "openai-async": WithAsyncOpenAI,
    "langchain": WithLangChain,
    "langchain-async": WithAsyncLangChain,
    "llamaindex": WithLlamaIndex,
    "llamaindex-async": WithAsyncLlamaIndex,
    "litellm": WithLiteLLM,
    "litellm-async": WithAsyncLiteLLM,
}
