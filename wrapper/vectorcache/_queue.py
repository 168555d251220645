"""Who uses a connection now and who is next: first come, first served, without waiting itself.

httpcore's pool reassigns every request on each change, at a cost of connections times callers,
and can be left dead by callers cancelled while they wait (httpcore #1093). So nobody waits
there: each connection is a stock transport of its own, and the callers wait here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Connection(Generic[T]):
    """A place in the pool, with the transport that fills it once somebody needed it."""

    __slots__ = ("idle_since", "network_stream", "transport")

    def __init__(self) -> None:
        self.transport: T | None = None
        self.network_stream: Any = None
        self.idle_since = 0.0

    def strip(self) -> T | None:
        """Takes the transport away, which is then to be closed.

        What httpcore holds after a failure or a cancellation is not to be trusted.
        """
        transport, self.transport, self.network_stream = self.transport, None, None
        return transport


class Waiter(Generic[T]):
    """A caller; it has its connection before ``wake`` is called."""

    __slots__ = ("connection", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.connection: Connection[T] | None = None

    def strip(self) -> T | None:
        return None if self.connection is None else self.connection.strip()


class ConnectionQueue(Generic[T]):
    """Up to ``size`` connections, and the callers that wait for one."""

    def __init__(self, size: int, keepalive: float) -> None:
        self._size = size
        self._keepalive = keepalive
        self._idle: deque[Connection[T]] = deque()
        self._waiting: deque[Waiter[T]] = deque()
        self._made = 0
        self._closed = False
        self._lock = threading.Lock()

    def take(self, waiter: Waiter[T]) -> bool:
        """Gives the caller a connection, the last used first; False if it has to wait."""
        with self._lock:
            if self._idle:
                waiter.connection = self._idle.pop()
            elif self._made < self._size:
                self._made += 1
                waiter.connection = Connection()
            else:
                self._waiting.append(waiter)
            return waiter.connection is not None

    def leave(self, waiter: Waiter[T], now: float) -> T | None:
        """Ends a caller's use, or its wait; returns a transport that is to be closed, if any."""
        with self._lock:
            connection = waiter.connection
            if connection is None:
                self._waiting.remove(waiter)
                return None
            connection.idle_since = now
            if self._waiting:
                following = self._waiting.popleft()
                following.connection = connection
                following.wake()
                return None
            if self._closed:
                return connection.strip()
            self._idle.append(connection)
            if now - self._idle[0].idle_since < self._keepalive:
                return None
            # After a rush, connections that nobody needs any more are closed one by one.
            self._made -= 1
            return self._idle.popleft().strip()

    def close(self) -> list[T]:
        """Ends the queue; returns the idle transports, which are to be closed."""
        with self._lock:
            self._closed = True
            idle = [c.transport for c in self._idle if c.transport is not None]
            self._idle.clear()
            return idle
