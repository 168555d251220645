"""How the messages of a conversation become a prompt and a context.

The last user message is the prompt, to the letter. All else is a part of the context: not its
text, but a digest of it. So an answer is found only where the same was said before, and a
follow-up ("and in Spain?") is never answered from another conversation.

A prompt that is a question is compared by its meaning. One that is more, such as a template with
passages and a question, is in the digest as well: it is answered from the cache only where it is
repeated to the letter. Where the service can compare a part, the question within it is compared.

A question on its own has no digest: it is the same query as ``client.query`` makes of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from .._arguments import check_context
from ..errors import InvalidRequestError

# A part of every digest: what another way of making them stored is not found by this one.
_FORMAT: Final = "messages-v1"

# What stands in front of two questions makes them look alike, though they ask different things:
# with all-MiniLM-L6-v2 at a threshold of 0.85, a shared text of 100 characters does so for 5 of
# 100 pairs of questions, one of 150 for 18, one of 300 for 46, and none for 0.
_MOST_CHARACTERS_OF_A_QUESTION: Final = 150

_ROLES: Final = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",  # OpenAI's newer name for the same.
}


@attrs.frozen
class Part:
    """The question within a prompt, for a service that can compare it alone.

    Attributes:
        question: its text.
        around: the digest of the messages without it.
    """

    question: str
    around: str


@attrs.frozen
class Message:
    """One message of a conversation, of which nothing but text is left.

    Attributes:
        role: ``"user"``, ``"assistant"`` or ``"system"``.
        text: what was said, to the letter.
        name: who said it, where roles do not tell.
    """

    role: str
    text: str
    name: str | None = None

    @classmethod
    def said(cls, place: str, role: object, text: str, name: object = None) -> Message:
        """A message, if it is one that the service can be asked with.

        Args:
            place: where it is, for errors: ``"messages[2]"``.
            role: who speaks; ``"developer"`` counts as ``"system"``.
            text: what was said.
            name: who said it; None and an empty one are the same.

        Raises:
            InvalidRequestError: it comes from or goes to something else than a person or an LLM.
        """
        known = _ROLES.get(role) if isinstance(role, str) else None
        if known is None:
            raise InvalidRequestError(
                f"{place} has the role {role!r}, and Vectorcache takes 'system', 'developer', "
                "'user' and 'assistant': for tools, call the LLM directly (nothing was sent)"
            )
        if name is not None and not isinstance(name, str):
            raise InvalidRequestError(
                f"{place} has a name of type {type(name).__name__}: pass a str (nothing was sent)"
            )
        return cls(known, text, name or None)


def text_of(place: str, content: object) -> str:
    """The text of a message's content: a string, or a list of text parts, which are joined.

    Raises:
        InvalidRequestError: there is none, or something else is beside it.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, Iterable) or isinstance(content, Mapping | bytes):
        what = "no content" if content is None else f"content of type {type(content).__name__}"
        raise InvalidRequestError(f"{place} has {what}: pass its text as a str (nothing was sent)")
    return "".join(_text_of_part(place, part) for part in content)


def _text_of_part(place: str, part: object) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, Mapping) else None
    text = part.get("text") if isinstance(part, Mapping) else None
    if kind != "text" or not isinstance(text, str):
        found = repr(kind) if isinstance(kind, str) else type(part).__name__
        raise refused_part(place, found)
    return text


def refused_part(place: str, kind: str) -> InvalidRequestError:
    """The error for a part of a message that is no text, such as an image."""
    return InvalidRequestError(
        f"{place} has a part that is not text ({kind}), and Vectorcache answers text alone: call "
        "the LLM directly (nothing was sent)"
    )


def is_question(text: str) -> bool:
    """Whether a text may be compared by its meaning: a line of at most 150 characters."""
    text = text.strip()
    return len(text) <= _MOST_CHARACTERS_OF_A_QUESTION and len(text.splitlines()) <= 1


def digest_of(messages: Sequence[Message]) -> str:
    """64 hexadecimal digits for who said what, in which order."""
    return _digest([_FORMAT, [(said.role, said.name, said.text) for said in messages]])


def prompt_and_context(
    messages: Sequence[Message], context: str | None, around: str | None = None
) -> tuple[str, str | None]:
    """What to ask, and in which part of the cache.

    Args:
        messages: the conversation, first message first.
        context: the caller's own part of the cache; None and ``""`` for none. It stays readable,
            before the digest.
        around: where a part of the prompt is compared, the digest of the messages without that
            part; None where the whole prompt is compared.

    Raises:
        InvalidRequestError: there is no user message, or the assistant has answered it.
    """
    if context is not None:
        check_context(context, InvalidRequestError)
    prompt = messages[_last_of_user(messages)]
    by_meaning = is_question(prompt.text)
    if around is None and by_meaning and len(messages) == 1 and prompt.name is None:
        return prompt.text, context
    # A question's own place is kept, without its text: it may stand before a system message.
    conversation = [
        (said.role, said.name, None if said is prompt and by_meaning else said.text)
        for said in messages
    ]
    digest = _digest([_FORMAT, context or None, conversation if around is None else around])
    return prompt.text, f"{context}/{_FORMAT}:{digest}" if context else f"{_FORMAT}:{digest}"


def _last_of_user(messages: Sequence[Message]) -> int:
    asked = max((i for i, said in enumerate(messages) if said.role == "user"), default=None)
    if asked is None:
        raise InvalidRequestError(
            "messages has no user message: there is nothing to ask (nothing was sent)"
        )
    if any(said.role == "assistant" for said in messages[asked:]):
        raise InvalidRequestError(
            "messages ends with the assistant's, which Vectorcache cannot continue: put the "
            "question last, as a user message (nothing was sent)"
        )
    return asked


def _digest(said: object) -> str:
    # JSON keeps apart what plain joining would not: ("ab", "c") and ("a", "bc").
    encoded = json.dumps(said, separators=(",", ":"))
    return hashlib.sha256(encoded.encode("ascii")).hexdigest()
