"""Reads LlamaIndex's messages, and finds the question in the prompts of its query engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock
from llama_index.core.prompts import (
    BasePromptTemplate,
    ChatPromptTemplate,
    PromptTemplate,
    SelectorPromptTemplate,
)

from ...errors import InvalidRequestError
from .._messages import Message, Part, digest_messages, is_question, refused_part

# The variable of the question in LlamaIndex's templates; the passages are in ``context_str``.
QUESTION_VARIABLE: Final = "query_str"

# The key under which a message keeps the question in it, until it is asked.
_PART: Final = "vectorcache_part"

# Other names for the assistant.
_ROLES: Final = {MessageRole.CHATBOT: "assistant", MessageRole.MODEL: "assistant"}


def read_messages(messages: Sequence[ChatMessage]) -> list[Message]:
    """Reads a conversation.

    Raises:
        InvalidRequestError: a message contains more than text.
    """
    return [_read(f"messages[{index}]", message) for index, message in enumerate(messages)]


def _read(place: str, message: ChatMessage) -> Message:
    for block in message.blocks:
        if not isinstance(block, TextBlock):
            raise refused_part(place, type(block).__name__)
    more = message.additional_kwargs
    if more.get("tool_calls") or more.get("function_call"):
        raise InvalidRequestError(
            f"{place} calls a tool, and Vectorcache supports only text: call the LLM directly "
            "(nothing was sent)"
        )
    role = _ROLES.get(message.role, message.role.value)
    return Message.checked(place, role, message.content or "", more.get("name"))


def find_question(
    prompt: BasePromptTemplate, arguments: Mapping[str, Any], llm: BaseLLM
) -> str | None:
    """Returns the question that fills a template; None if it cannot be found in the prompt."""
    if isinstance(prompt, SelectorPromptTemplate):
        prompt = prompt.select(llm)
    # Other templates may do more with their variables than put them into a text.
    if type(prompt) not in (PromptTemplate, ChatPromptTemplate) or prompt.function_mappings:
        return None
    question = {**prompt.kwargs, **arguments}.get(QUESTION_VARIABLE)
    return question if isinstance(question, str) and is_question(question) else None


def mark_question(
    messages: list[ChatMessage], question: str, without: Sequence[ChatMessage]
) -> list[ChatMessage]:
    """Returns the messages, with the question noted in the last one.

    Args:
        messages: the template, filled with the question.
        question: the question.
        without: the template, filled with an empty question.
    """
    if not messages:
        return messages
    *before, last = messages
    # A question in another message would be part of neither the prompt nor the digest.
    if last.role is not MessageRole.USER or list(without[:-1]) != before or last == without[-1]:
        return messages
    part = {"question": question, "around": digest_messages(read_messages(without))}
    marked = last.model_copy(update={"additional_kwargs": {**last.additional_kwargs, _PART: part}})
    return [*before, marked]


def find_part(messages: Sequence[ChatMessage]) -> Part | None:
    """Returns the question that is noted in the last message, if there is one."""
    part = messages[-1].additional_kwargs.get(_PART) if messages else None
    return None if part is None else Part(**part)
