"""Messages in the shape of OpenAI's API, which LiteLLM uses, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import InvalidRequestError
from ._messages import Message, text_of


def read_messages(messages: object) -> list[Message]:
    """The conversation, as mappings or as models of pydantic.

    Raises:
        InvalidRequestError: it is none, or holds more than text.
    """
    if not isinstance(messages, Iterable) or isinstance(messages, str | bytes | Mapping):
        raise InvalidRequestError(
            f"messages is of type {type(messages).__name__}: pass a list such as "
            '[{"role": "user", "content": "..."}] (nothing was sent)'
        )
    return [_read(f"messages[{index}]", message) for index, message in enumerate(messages)]


def _read(place: str, message: object) -> Message:
    # An answer's own message may go into the next question, as it is.
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
                f"{place} has {name!r}, and Vectorcache takes role, content and name alone: call "
                "the LLM directly for more (nothing was sent)"
            )
    return Message.said(
        place, fields.get("role"), text_of(place, fields.get("content")), fields.get("name")
    )
