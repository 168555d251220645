"""LangChain's messages, read and written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
)

from ..._response import VectorcacheResponse
from ...errors import InvalidRequestError
from .._messages import Message, text_of
from .._parameters import Parameters
from .._reply import details, text_before

# Where the messages of LLMs keep what is no text.
_CALLS = ("tool_calls", "invalid_tool_calls", "function_call")


def read_messages(messages: Sequence[BaseMessage]) -> list[Message]:
    """The conversation.

    Raises:
        InvalidRequestError: it holds more than text.
    """
    return [_read(f"messages[{index}]", message) for index, message in enumerate(messages)]


def _read(place: str, message: BaseMessage) -> Message:
    match message:
        case HumanMessage():
            role = "user"
        case AIMessage():
            role = "assistant"
        case SystemMessage():
            role = "system"
        case ChatMessage():
            role = message.role
        case _:
            role = message.type
    if any(getattr(message, name, None) or message.additional_kwargs.get(name) for name in _CALLS):
        raise InvalidRequestError(
            f"{place} calls a tool, and Vectorcache takes text alone: call the LLM directly "
            "(nothing was sent)"
        )
    return Message.said(place, role, text_of(place, message.content), message.name)


def reply_fields(result: VectorcacheResponse, parameters: Parameters) -> dict[str, Any]:
    """The fields of the message that answers."""
    return {
        "content": text_before(parameters.stop, result.response),
        "response_metadata": {
            "model_name": parameters.options.get("model"),
            "model_provider": "vectorcache",
            "finish_reason": "stop",
            "vectorcache": details(result),
        },
    }
