"""The libraries under one face, so that a test says once what all of them must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
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

# First message first; each a role and what was said.
Conversation = list[tuple[str, str]]


@attrs.frozen
class Answer:
    """What a library made of an answer.

    Attributes:
        text: what the user reads.
        details: what the library's own metadata say.
    """

    text: str
    details: dict[str, Any]


class Library(ABC):
    """A library's way to ask the cache; made anew for each test.

    Args:
        client: asked by those that do not await.
        async_client: asked by those that do.
        run: runs an async function, for a test that is not.
        ignore: parameters that may be left unheard.
    """

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

    def error(self, conversation: Conversation, **parameters: Any) -> VectorcacheError:
        """Our error for what must fail, which may be the cause of a library's own."""
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


class WithAsyncOpenAI(WithOpenAI):
    def make(self, ignore: Iterable[str]) -> Any:
        return AsyncOpenAI(self.async_client, ignore=ignore)

    def _create(self, **arguments: Any) -> Any:
        return self._run(partial(self.asked.chat.completions.create, **arguments))


class WithLangChain(Library):
    def make(self, ignore: Iterable[str]) -> ChatVectorcache:
        return ChatVectorcache(
            client=self.client, async_client=self.async_client, ignore=list(ignore)
        )

    def ask(self, conversation: Conversation, **parameters: Any) -> Answer:
        kinds: dict[str, type[BaseMessage]] = {
            "user": HumanMessage,
            "assistant": AIMessage,
            "system": SystemMessage,
        }
        message = self._invoke([kinds[role](text) for role, text in conversation], **parameters)
        return Answer(message.text, message.response_metadata["vectorcache"])

    def _invoke(self, messages: list[BaseMessage], **parameters: Any) -> Any:
        return self.asked.invoke(messages, **parameters)


class WithAsyncLangChain(WithLangChain):
    def _invoke(self, messages: list[BaseMessage], **parameters: Any) -> Any:
        return self._run(partial(self.asked.ainvoke, messages, **parameters))


class WithLlamaIndex(Library):
    def make(self, ignore: Iterable[str]) -> Vectorcache:
        return Vectorcache(client=self.client, async_client=self.async_client, ignore=ignore)

    def ask(self, conversation: Conversation, **parameters: Any) -> Answer:
        messages = [ChatMessage(role=role, content=text) for role, text in conversation]
        answer = self._chat(messages, **parameters)
        return Answer(answer.message.content, answer.additional_kwargs["vectorcache"])

    def _chat(self, messages: list[ChatMessage], **parameters: Any) -> Any:
        return self.asked.chat(messages, **parameters)


class WithAsyncLlamaIndex(WithLlamaIndex):
    def _chat(self, messages: list[ChatMessage], **parameters: Any) -> Any:
        return self._run(partial(self.asked.achat, messages, **parameters))


class WithLiteLLM(Library):
    def make(self, ignore: Iterable[str]) -> VectorcacheLLM:
        return VectorcacheLLM(self.client, self.async_client, ignore=ignore)

    def ask(self, conversation: Conversation, **parameters: Any) -> Answer:
        litellm.custom_provider_map = [{"provider": "vectorcache", "custom_handler": self.asked}]
        messages = [{"role": role, "content": text} for role, text in conversation]
        model = f"vectorcache/{parameters.pop('model', 'gpt-4o')}"
        answer = self._complete(model=model, messages=messages, **parameters)
        return Answer(answer.choices[0].message.content, answer._hidden_params["vectorcache"])

    def _complete(self, **arguments: Any) -> Any:
        return litellm.completion(**arguments)


class WithAsyncLiteLLM(WithLiteLLM):
    def _complete(self, **arguments: Any) -> Any:
        return self._run(partial(litellm.acompletion, **arguments))


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
