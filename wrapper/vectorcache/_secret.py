"""The API key, in a type that never shows it."""

from __future__ import annotations

import hmac
import re
from typing import NoReturn


class APIKey:
    """Holds a key; only ``reveal`` gives it out, and only the request's headers call that."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def fits(self, pattern: str) -> bool:
        return isinstance(self._value, str) and bool(re.fullmatch(pattern, self._value))

    def reveal(self) -> str:
        return self._value

    def is_in(self, text: str) -> bool:
        return self._value in text

    def redact(self, text: str) -> str:
        """``text`` without the key, for a service or proxy that repeats what it was sent."""
        return text.replace(self._value, "[key removed]")

    def redact_bytes(self, text: bytes) -> bytes:
        return text.replace(self._value.encode(), b"[key removed]")

    def digest(self, purpose: str) -> str:
        """32 hex digits that are this key's for ``purpose``, and lead nobody back to it."""
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


def hidden(value: str | APIKey | None) -> APIKey | None:
    """The key out of sight; an empty one counts as none."""
    return APIKey(value) if value and not isinstance(value, APIKey) else value or None
