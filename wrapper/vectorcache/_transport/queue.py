"""Decides which caller gets a connection: first come, first served. Nothing here waits itself.

httpcore's pool reassigns every request on each change, at a cost of connections times callers,
and callers that are cancelled while they wait can leave it dead (httpcore #1093). So no caller
waits there: each connection is a separate transport of httpx, and the callers wait here.

Ctrl-C can interrupt each of these methods, between two calls that it makes. So each change is made
by assignments with one call after them, which cannot be interrupted in between. ``leave`` may be
called again if it was interrupted.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Connection(Generic[T]):
    """A place in the pool, with its transport once a caller has needed one."""

    __slots__ = ("idle_since", "network_stream", "transport", "user")

    def __init__(self) -> None:
        self.transport: T | None = None
        self.network_stream: Any = None
        self.idle_since = 0.0
        self.user: Waiter[T] | None = None

    def is_stale(self, now: float, keepalive: float) -> bool:
        """Returns whether its transport would open a new connection.

        That is so if the server has closed the old one, or it was idle for too long.
        """
        if self.network_stream is None:
            return False
        closed = self.network_stream.get_extra_info("is_readable")
        return bool(closed) or now >= self.idle_since + keepalive

    def strip(self) -> T | None:
        """Takes the transport out and returns it; the caller must close it.

        After a failure or a cancellation, the state of httpcore cannot be trusted.
        """
        transport, self.transport, self.network_stream = self.transport, None, None
        return transport


class Waiter(Generic[T]):
    """A caller that waits. It has its connection before ``wake`` is called, perhaps repeatedly."""

    __slots__ = ("connection", "finished", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.connection: Connection[T] | None = None
        self.finished = False

    def strip(self) -> T | None:
        """Takes the transport out and returns it, if this caller still uses it."""
        if self.connection is None or self.connection.user is not self:
            return None
        return self.connection.strip()


class ConnectionQueue(Generic[T]):
    """Up to ``size`` connections, and the callers that wait for one."""

    def __init__(self, size: int, keepalive: float) -> None:
        self._size = size
        self._keepalive = keepalive
        self._idle: deque[Connection[T]] = deque()
        self._waiting: OrderedDict[Waiter[T], None] = OrderedDict()
        self._made = 0
        self.closed = False
        self._lock = threading.Lock()

    def take(self, waiter: Waiter[T]) -> bool:
        """Gives the caller the connection used last; returns False if the caller has to wait."""
        with self._lock:
            if self._idle:
                connection = waiter.connection = self._idle[-1]
                connection.user = waiter
                self._idle.pop()
            elif self._made < self._size:
                connection = Connection()
                connection.user = waiter
                waiter.connection = connection
                self._made += 1
            else:
                self._waiting[waiter] = None
            return waiter.connection is not None

    def leave(self, waiter: Waiter[T], now: float) -> T | None:
        """Ends the use or the wait of a caller; returns a transport that must be closed, if any."""
        with self._lock:
            connection = waiter.connection
            if connection is None:
                self._waiting.pop(waiter, None)
                return None
            spare = self._pass_on(connection, now) if connection.user is waiter else None
            if connection.user is not None:
                connection.user.wake()
            return spare

    def _pass_on(self, connection: Connection[T], now: float) -> T | None:
        connection.idle_since = now
        if self._waiting:
            following = next(iter(self._waiting))
            following.connection = connection
            connection.user = following
            del self._waiting[following]
            return None
        if self.closed:
            connection.user = None
            return connection.strip()
        connection.user = None
        self._idle.append(connection)
        oldest = self._idle[0]
        if now - oldest.idle_since < self._keepalive:
            return None
        # After a busy time, connections that are no longer needed are closed one by one.
        self._made -= 1
        self._idle.popleft()
        return oldest.strip()

    def close(self) -> list[T]:
        """Ends the queue; returns the idle transports, which the caller must close."""
        with self._lock:
            self.closed = True
            idle = self.idle()
            self._idle.clear()
            return idle

    def idle(self) -> list[T]:
        """Returns the idle transports.

        This takes no lock: in a forked process, a thread that no longer exists may hold it.
        """
        return [c.transport for c in tuple(self._idle) if c.transport is not None]
