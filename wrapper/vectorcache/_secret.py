"""The API key, in a type that never shows it."""

from __future__ import annotations

import hmac
from typing import NoReturn


class APIKey:
    """Holds a key; only ``reveal`` gives it out, and only the request's headers call that."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def is_in(self, text: str) -> bool:
        return self._value in text

    def redact(self, text: str) -> str:
        """``text`` without the key, for a service or proxy that repeats what it was sent."""
        return text.replace(self._value, "[key removed]")

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
