"""A client that is made when a thread or process first needs it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from .._threading import ForkSafeLock

C = TypeVar("C")


class LazyClient(Generic[C]):
    """Makes a client once, and closes it when it is itself garbage-collected, or at exit.

    A client made before a fork serves both processes, each with its own connections.

    Args:
        make: makes the client.
        close: closes the client.
    """

    def __init__(self, make: Callable[[], C], close: Callable[[C], object]) -> None:
        self._make = make
        self._close = close
        self._lock = ForkSafeLock()
        self._client: C | None = None

    def get(self) -> C:
        """Returns the client, and makes it on the first call.

        Raises:
            ConfigurationError: the client cannot be made; the next call tries again.
        """
        if self._client is None:
            with self._lock:
                if self._client is None:
                    client = self._make()
                    weakref.finalize(self, self._close, client)
                    self._client = client
        return self._client
