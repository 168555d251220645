"""The API keys of one call: one for each attempt, and none left in what comes back."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import NoReturn

from .._secret import APIKey, KeyFunction
from ..errors import ConfigurationError

_SOURCE = "what the function api_key= returned"


class CallKeys:
    """The keys that one call sends: several if a function returns another key each time.

    Args:
        source: the client's key, or the function that returns it.
    """

    __slots__ = ("_keys", "_source")

    def __init__(self, source: APIKey | KeyFunction) -> None:
        self._source = source
        self._keys = [source] if isinstance(source, APIKey) else []

    def ask(self) -> Awaitable[object] | None:
        """Gets the key for the next attempt.

        Returns:
            None once the key is known; or what an async function returned, which has to be awaited,
            hidden, and then passed to ``take``.

        Raises:
            ConfigurationError: the function returned something that is not a key.
            Exception: whatever the function raises.
        """
        if not isinstance(self._source, KeyFunction):
            return None
        answer = self._source.ask()
        if inspect.isawaitable(answer):
            return answer
        self.take(answer)
        return None

    @staticmethod
    def refuse(answer: Awaitable[object]) -> NoReturn:
        """Refuses the answer of a function whose key has to be awaited.

        Raises:
            ConfigurationError: always.
        """
        if inspect.iscoroutine(answer):
            answer.close()  # Otherwise, Python warns that the coroutine was never awaited.
        raise ConfigurationError(
            f"{_SOURCE} has to be awaited, which this client cannot do: pass a plain "
            "function, or use AsyncVectorcacheClient"
        )

    def take(self, key: object) -> None:
        """Takes the key that a function returned, and that ``hidden`` has put out of sight.

        Raises:
            ConfigurationError: it is not a key.
        """
        if key is None:
            raise ConfigurationError(f"{_SOURCE} is empty: return the key")
        if not isinstance(key, APIKey):
            raise ConfigurationError(f"{_SOURCE} is a function: return the key itself")
        flaw = key.flaw()
        if flaw:
            raise ConfigurationError(f"{_SOURCE} {flaw}")
        self._keys = [*(known for known in self._keys if known != key), key]

    def reveal(self) -> str:
        """Returns the key for the request of the current attempt."""
        return self._keys[-1].reveal()

    def is_in(self, text: str) -> bool:
        """Returns whether ``text`` contains a key that the call has sent."""
        return any(key.is_in(text) for key in self._keys)

    def redact(self, text: str) -> str:
        """Returns ``text`` without any key that the call has sent."""
        for key in self._keys:
            text = key.redact(text)
        return text

    def redact_bytes(self, text: bytes) -> bytes:
        """Returns ``text`` without any key that the call has sent."""
        for key in self._keys:
            text = key.redact_bytes(text)
        return text

    def __repr__(self) -> str:
        return "CallKeys(hidden)"
