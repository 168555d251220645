"""The API key, in types that never show it."""

from __future__ import annotations

import hmac
import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn, Protocol, TypeAlias, overload

from ._llm import is_async

_REMOVED: Final = "[key removed]"
# A key never has these, but a program that reads a file of variables may leave them around it.
QUOTATION_MARKS: Final = frozenset("\"'`\u2018\u2019\u201c\u201d")
# The characters that a header value may have without being split or folded (RFC 9110, 5.5).
_FORM: Final = r"[\x21-\x7e]+"


class SecretValue(Protocol):
    """A secret in a type that hides it, such as pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str:
        """The secret itself."""
        ...


KeySource: TypeAlias = (
    str | SecretValue | Callable[[], str | SecretValue | Awaitable[str | SecretValue]]
)
"""The source of a key: its text, an object with ``get_secret_value()``, or a function.

The function is called before each attempt. For the async client, it may be ``async``.
"""


class APIKey:
    """Holds a key. Only ``reveal`` returns it, and it is called only for the request's headers."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def fits(self, pattern: str) -> bool:
        return isinstance(self._value, str) and bool(re.fullmatch(pattern, self._value))

    def flaw(self) -> str:
        """Returns why this is not a valid key, and what to do; empty if it may be one.

        The text is meant to follow the name of the argument.
        """
        value: object = self._value
        if not isinstance(value, str):
            return (
                f"is of type {type(value).__name__}: pass a str, an object with "
                "get_secret_value(), or a function that returns one of these"
            )
        if value.strip()[:1] in QUOTATION_MARKS or value.strip()[-1:] in QUOTATION_MARKS:
            return (
                "is in quotation marks, which are not a part of the key: remove them (docker run "
                "--env-file keeps the quotation marks of its file)"
            )
        if self.fits(r"(?s)\s*sk-.*"):
            return (
                'looks like a key for OpenAI or another LLM provider (it starts with "sk-"), which '
                "must not be sent to Vectorcache: use the key of your Vectorcache project"
            )
        if self.fits(r"(?is)\s*(authorization:\s*)?bearer\s.*"):
            return 'starts with "Bearer", which the client adds: pass the key alone'
        if not self.fits(_FORM):
            return (
                "is invalid: it must be printable ASCII without spaces or line breaks "
                "(a key read from a file often ends with the line break of the file)"
            )
        return ""

    def reveal(self) -> str:
        return self._value

    def is_in(self, text: str) -> bool:
        return self._value in text

    def redact(self, text: str) -> str:
        """Returns ``text`` without the key, which a service or proxy may repeat."""
        return text.replace(self._value, _REMOVED)

    def redact_bytes(self, text: bytes) -> bytes:
        return text.replace(self._value.encode(), _REMOVED.encode())

    def digest(self, purpose: str) -> str:
        """Returns 32 hex digits for this key and ``purpose``, which do not reveal the key."""
        return hmac.digest(self._value.encode(), purpose.encode(), "sha256").hex()[:32]

    def __repr__(self) -> str:
        return "APIKey(hidden)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, APIKey):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(APIKey)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an API key cannot be pickled or copied: pass it by the environment")


class KeyFunction:
    """The user's function that returns the key, which may be another key each time."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function

    @property
    def is_async(self) -> bool:
        """Whether the function is known to be async before it is called."""
        return is_async(self._function)

    def ask(self) -> object:
        """Calls the function; returns a hidden key, None for an empty one, or an awaitable.

        Raises:
            Exception: whatever the function raises.
        """
        answer = self._function()
        return answer if inspect.isawaitable(answer) else hidden(answer)

    def flaw(self) -> str:
        """Returns an empty text: each key is checked when the function has returned it."""
        return ""

    def digest(self, purpose: str) -> str:
        """Returns 32 hex digits for ``purpose``, equal for all functions in all processes."""
        return hmac.digest(b"a function", purpose.encode(), "sha256").hex()[:32]

    def __repr__(self) -> str:
        return "KeyFunction(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a function for API keys cannot be pickled or copied with a client")


@overload
def hidden(value: str | APIKey | None) -> APIKey | None: ...
@overload
def hidden(value: object) -> APIKey | KeyFunction | None: ...
def hidden(value: Any) -> Any:
    """Returns the key, or the function that returns it, in a type that hides it.

    An empty key counts as None.
    """
    if isinstance(value, APIKey | KeyFunction):
        return value
    if not value:
        return None
    if not isinstance(value, str):
        if callable(getattr(value, "get_secret_value", None)):
            return hidden(value.get_secret_value())
        if callable(value):
            return KeyFunction(value)
    return APIKey(value)
