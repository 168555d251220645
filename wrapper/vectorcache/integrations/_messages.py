"""Turns the messages of a conversation into a prompt and a context.

The last user message is the prompt, unchanged. All other messages become part of the context, as a
digest instead of their text. So an answer is found only in an equal conversation, and a follow-up
("and in Spain?") is never answered from another conversation.

A prompt that is a question is compared by its meaning. A longer prompt, such as a template with
passages and a question, is also part of the digest: it is answered from the cache only if it is
repeated exactly. If the service can compare a part of a prompt, it compares the question in it.

A question without other messages has no digest: it makes the same query as ``client.query``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from .._arguments import check_context
from ..errors import InvalidRequestError

# Part of every digest, so that entries stored by another digest format are not found.
_FORMAT: Final = "messages-v1"

# A shared text before two different questions makes them look alike: with all-MiniLM-L6-v2 at a
# threshold of 0.85, a text of 100 characters does so for 5 of 100 pairs of questions, a text of
# 150 characters for 18, one of 300 characters for 46, and no text for none.
_MOST_CHARACTERS_OF_A_QUESTION: Final = 150

_ROLES: Final = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",  # OpenAI's newer name of the system role.
}


@attrs.frozen
class Part:
    """The question within a prompt, for a service that can compare only this part.

    Attributes:
        question: the text of the question.
        around: the digest of the messages without the question.
    """

    question: str
    around: str


@attrs.frozen
class Message:
    """One message of a conversation, as text.

    Attributes:
        role: ``"user"``, ``"assistant"`` or ``"system"``.
        text: the content, unchanged.
        name: the speaker, if the role does not identify them.
    """

    role: str
    text: str
    name: str | None = None

    @classmethod
    def checked(cls, place: str, role: object, text: str, name: object = None) -> Message:
        """Returns a message, if the service can be asked with it.

        Args:
            place: where the message is, for errors: ``"messages[2]"``.
            role: the role; ``"developer"`` counts as ``"system"``.
            text: the content.
            name: the speaker; None and ``""`` both mean that there is no name.

        Raises:
            InvalidRequestError: the role is neither system, user nor assistant, or the name is not
                a text.
        """
        known = _ROLES.get(role) if isinstance(role, str) else None
        if known is None:
            raise InvalidRequestError(
                f"{place} has the role {role!r}, and Vectorcache supports only 'system', "
                "'developer', 'user' and 'assistant': for tools, call the LLM directly (nothing "
                "was sent)"
            )
        if name is not None and not isinstance(name, str):
            raise InvalidRequestError(
                f"{place} has a name of type {type(name).__name__}: pass a str (nothing was sent)"
            )
        return cls(known, text, name or None)


def text_from_content(place: str, content: object) -> str:
    """Returns the text of a message's content: a string, or a list of text parts, which are joined.

    Raises:
        InvalidRequestError: there is no content, or a part of it is not text.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, Iterable) or isinstance(content, Mapping | bytes):
        found = "no content" if content is None else f"content of type {type(content).__name__}"
        raise InvalidRequestError(f"{place} has {found}: pass its text as a str (nothing was sent)")
    return "".join(_text_from_part(place, part) for part in content)


def _text_from_part(place: str, part: object) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, Mapping) else None
    text = part.get("text") if isinstance(part, Mapping) else None
    if kind != "text" or not isinstance(text, str):
        found = repr(kind) if isinstance(kind, str) else type(part).__name__
        raise refused_part(place, found)
    return text


def refused_part(place: str, kind: str) -> InvalidRequestError:
    """Returns the error for a part of a message that is not text, such as an image."""
    return InvalidRequestError(
        f"{place} has a part that is not text ({kind}), and Vectorcache answers only text: call "
        "the LLM directly (nothing was sent)"
    )


def is_question(text: str) -> bool:
    """Returns whether a text may be compared by its meaning: one line, at most 150 characters."""
    text = text.strip()
    return len(text) <= _MOST_CHARACTERS_OF_A_QUESTION and len(text.splitlines()) <= 1


def digest_messages(messages: Sequence[Message]) -> str:
    """Returns 64 hexadecimal digits for the roles, names and texts of messages, in their order."""
    return _digest([_FORMAT, [(message.role, message.name, message.text) for message in messages]])


def prompt_and_context(
    messages: Sequence[Message], context: str | None, around: str | None = None
) -> tuple[str, str | None]:
    """Returns the prompt and the context of the query for a conversation.

    Args:
        messages: the conversation, first message first.
        context: the caller's own context; None and ``""`` mean none. It stays readable, before
            the digest.
        around: if only a part of the prompt is compared, the digest of the messages without that
            part; None if the whole prompt is compared.

    Raises:
        InvalidRequestError: there is no user message, or the assistant has answered it.
    """
    if context is not None:
        check_context(context, InvalidRequestError)
    prompt = messages[_last_user_message(messages)]
    by_meaning = is_question(prompt.text)
    if around is None and by_meaning and len(messages) == 1 and prompt.name is None:
        return prompt.text, context
    # The place of the question is kept, without its text: it may stand before a system message.
    conversation = [
        (
            message.role,
            message.name,
            None if message is prompt and by_meaning else message.text,
        )
        for message in messages
    ]
    digest = _digest([_FORMAT, context or None, conversation if around is None else around])
    return prompt.text, f"{context}/{_FORMAT}:{digest}" if context else f"{_FORMAT}:{digest}"


def _last_user_message(messages: Sequence[Message]) -> int:
    asked = max((i for i, message in enumerate(messages) if message.role == "user"), default=None)
    if asked is None:
        raise InvalidRequestError(
            "messages has no user message: add one with the question (nothing was sent)"
        )
    if any(message.role == "assistant" for message in messages[asked:]):
        raise InvalidRequestError(
            "messages ends with a message of the assistant, which Vectorcache cannot continue: put "
            "the question last, as a user message (nothing was sent)"
        )
    return asked


def _digest(content: object) -> str:
    # JSON keeps ("ab", "c") and ("a", "bc") apart, which plain joining does not.
    encoded = json.dumps(content, separators=(",", ":"))
    return hashlib.sha256(encoded.encode("ascii")).hexdigest()
