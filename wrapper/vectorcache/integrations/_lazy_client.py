"""One client, made when it is first needed, whichever thread or process comes first."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from .._threading import ForkSafeLock

C = TypeVar("C")


class LazyClient(Generic[C]):
    """Makes a client once, and closes it with itself: when nobody holds it any more, or at exit.

    Made before a fork, the client serves both sides, each with connections of its own.

    Args:
        make: makes the client.
        close: closes it.
    """

    def __init__(self, make: Callable[[], C], close: Callable[[C], object]) -> None:
        self._make = make
        self._close = close
        self._lock = ForkSafeLock()
        self._client: C | None = None

    def get(self) -> C:
        """The client.

        Raises:
            ConfigurationError: it cannot be made; the next call tries again.
        """
        if self._client is None:
            with self._lock:
                if self._client is None:
                    client = self._make()
                    weakref.finalize(self, self._close, client)
                    self._client = client
        return self._client
