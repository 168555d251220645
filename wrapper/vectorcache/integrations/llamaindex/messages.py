"""LlamaIndex's messages, and the question within the prompts of its query engines."""

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
from .._messages import Message, Part, digest_of, is_question, refused_part

# What LlamaIndex's own templates call the question, beside the passages in ``context_str``.
QUESTION_VARIABLE: Final = "query_str"

# Where a message keeps the question within it, until it is asked.
_PART: Final = "vectorcache_part"

# Other names for those who are asked.
_ROLES: Final = {MessageRole.CHATBOT: "assistant", MessageRole.MODEL: "assistant"}


def read_messages(messages: Sequence[ChatMessage]) -> list[Message]:
    """The conversation.

    Raises:
        InvalidRequestError: it holds more than text.
    """
    return [_read(f"messages[{index}]", message) for index, message in enumerate(messages)]


def _read(place: str, message: ChatMessage) -> Message:
    for block in message.blocks:
        if not isinstance(block, TextBlock):
            raise refused_part(place, type(block).__name__)
    more = message.additional_kwargs
    if more.get("tool_calls") or more.get("function_call"):
        raise InvalidRequestError(
            f"{place} calls a tool, and Vectorcache takes text alone: call the LLM directly "
            "(nothing was sent)"
        )
    role = _ROLES.get(message.role, message.role.value)
    return Message.said(place, role, message.content or "", more.get("name"))


def question_of(
    prompt: BasePromptTemplate, arguments: Mapping[str, Any], llm: BaseLLM
) -> str | None:
    """The question that a template is filled in with; None where it cannot be told apart."""
    if isinstance(prompt, SelectorPromptTemplate):
        prompt = prompt.select(llm)
    # Others may do more with their variables than put them into a text.
    if type(prompt) not in (PromptTemplate, ChatPromptTemplate) or prompt.function_mappings:
        return None
    question = {**prompt.kwargs, **arguments}.get(QUESTION_VARIABLE)
    return question if isinstance(question, str) and is_question(question) else None


def with_part(
    messages: list[ChatMessage], question: str, without: Sequence[ChatMessage]
) -> list[ChatMessage]:
    """The messages, of which the last knows the question within it.

    Args:
        messages: the template, filled in.
        question: what is asked.
        without: the template, filled in with an empty question.
    """
    if not messages:
        return messages
    *before, last = messages
    # A question that stands elsewhere would be in neither the prompt nor the digest.
    if last.role is not MessageRole.USER or list(without[:-1]) != before or last == without[-1]:
        return messages
    part = {"question": question, "around": digest_of(read_messages(without))}
    marked = last.model_copy(update={"additional_kwargs": {**last.additional_kwargs, _PART: part}})
    return [*before, marked]


def part_of(messages: Sequence[ChatMessage]) -> Part | None:
    """The question within the last message, if it knows it."""
    part = messages[-1].additional_kwargs.get(_PART) if messages else None
    return None if part is None else Part(**part)
