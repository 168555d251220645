"""The keys of one call: asked for before each attempt, and taken out of what comes back."""

from __future__ import annotations

import inspect

from .._secret import APIKey, KeyFunction, hidden
from ..errors import ConfigurationError

_SOURCE = "what the function api_key= returned"


class CallKeys:
    """The keys that one call sends; more than one where a function gives another each time.

    Args:
        source: the client's key, or the function that gives it.
    """

    __slots__ = ("_keys", "_source")

    def __init__(self, source: APIKey | KeyFunction) -> None:
        self._source = source
        self._keys = [source] if isinstance(source, APIKey) else []

    def ask(self) -> None:
        """Gets the key for the next attempt.

        Raises:
            ConfigurationError: the function gave no key, or one that has to be awaited.
            Exception: whatever the function raises.
        """
        if isinstance(self._source, KeyFunction):
            answer = self._source.ask()
            if inspect.isawaitable(answer):
                if inspect.iscoroutine(answer):
                    answer.close()  # Else Python warns that it was never awaited.
                raise ConfigurationError(
                    f"{_SOURCE} has to be awaited, which this client cannot do: pass a plain "
                    "function, or use AsyncVectorcacheClient"
                )
            self._take(answer)

    async def ask_async(self) -> None:
        """The same for an async function, and for a plain one on the event loop."""
        if isinstance(self._source, KeyFunction):
            answer = self._source.ask()
            self._take(hidden(await answer) if inspect.isawaitable(answer) else answer)

    def _take(self, key: object) -> None:
        if key is None:
            raise ConfigurationError(f"{_SOURCE} is empty: return the key")
        if not isinstance(key, APIKey):
            raise ConfigurationError(f"{_SOURCE} is a function: return the key itself")
        flaw = key.flaw()
        if flaw:
            raise ConfigurationError(f"{_SOURCE} {flaw}")
        self._keys = [*(known for known in self._keys if known != key), key]

    def reveal(self) -> str:
        """The key of the attempt that is to be sent."""
        return self._keys[-1].reveal()

    def is_in(self, text: str) -> bool:
        return any(key.is_in(text) for key in self._keys)

    def redact(self, text: str) -> str:
        """``text`` without any key that the call has sent."""
        for key in self._keys:
            text = key.redact(text)
        return text

    def redact_bytes(self, text: bytes) -> bytes:
        for key in self._keys:
            text = key.redact_bytes(text)
        return text

    def __repr__(self) -> str:
        return "CallKeys(hidden)"
