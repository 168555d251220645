"""Reads messages in the format of OpenAI's API, which LiteLLM uses as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import InvalidRequestError
from ._messages import Message, text_from_content


def read_messages(messages: object) -> list[Message]:
    """Reads a conversation of mappings or pydantic models.

    Raises:
        InvalidRequestError: it is not a list of messages, or contains more than text.
    """
    if not isinstance(messages, Iterable) or isinstance(messages, str | bytes | Mapping):
        raise InvalidRequestError(
            f"messages is of type {type(messages).__name__}: pass a list such as "
            '[{"role": "user", "content": "..."}] (nothing was sent)'
        )
    return [_read(f"messages[{index}]", message) for index, message in enumerate(messages)]


def _read(place: str, message: object) -> Message:
    # The message of an answer is a pydantic model and may be part of the next question.
    dump = getattr(message, "model_dump", None)
    fields = dump() if callable(dump) else message
    if not isinstance(fields, Mapping):
        raise InvalidRequestError(
            f"{place} is of type {type(message).__name__}: pass a mapping such as "
            '{"role": "user", "content": "..."} (nothing was sent)'
        )
    for name, value in fields.items():
        if name not in ("role", "content", "name") and value:
            raise InvalidRequestError(
                f"{place} has {name!r}, and Vectorcache supports only role, content and name: for "
                "other fields, call the LLM directly (nothing was sent)"
            )
    return Message.checked(
        place,
        fields.get("role"),
        text_from_content(place, fields.get("content")),
        fields.get("name"),
    )
