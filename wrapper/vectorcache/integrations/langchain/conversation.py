"""Reads LangChain's messages, and makes the message of an answer."""

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
from .._messages import Message, text_from_content
from .._parameters import Parameters
from .._reply import details, text_before

# The fields in which an LLM's messages keep tool calls.
_CALLS = ("tool_calls", "invalid_tool_calls", "function_call")


def read_messages(messages: Sequence[BaseMessage]) -> list[Message]:
    """Reads a conversation.

    Raises:
        InvalidRequestError: a message contains more than text.
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
            f"{place} calls a tool, and Vectorcache supports only text: call the LLM directly "
            "(nothing was sent)"
        )
    return Message.checked(place, role, text_from_content(place, message.content), message.name)


def reply_fields(result: VectorcacheResponse, parameters: Parameters) -> dict[str, Any]:
    """Returns the fields of the message that answers."""
    return {
        "content": text_before(parameters.stop, result.response),
        "response_metadata": {
            "model_name": parameters.options.get("model"),
            "model_provider": "vectorcache",
            "finish_reason": "stop",
            "vectorcache": details(result),
        },
    }
