"""Who uses a connection now and who is next: first come, first served, without waiting itself.

httpcore's pool reassigns every request on each change, at a cost of connections times callers,
and can be left dead by callers cancelled while they wait (httpcore #1093). So nobody waits
there: each connection is a stock transport of its own, and the callers wait here.

Ctrl-C can end any of these methods, between two calls that it makes. So each change is made with
assignments and one call after them, which nothing can come between, and ``leave`` may be called
again when it was not heard to end.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Connection(Generic[T]):
    """A place in the pool, with the transport that fills it once somebody needed it."""

    __slots__ = ("idle_since", "network_stream", "transport", "user")

    def __init__(self) -> None:
        self.transport: T | None = None
        self.network_stream: Any = None
        self.idle_since = 0.0
        self.user: Waiter[T] | None = None

    def is_stale(self, now: float, keepalive: float) -> bool:
        """Whether its transport would connect anew, as the server has closed it, or time has."""
        if self.network_stream is None:
            return False
        closed = self.network_stream.get_extra_info("is_readable")
        return bool(closed) or now >= self.idle_since + keepalive

    def strip(self) -> T | None:
        """Takes the transport away, which is then to be closed.

        What httpcore holds after a failure or a cancellation is not to be trusted.
        """
        transport, self.transport, self.network_stream = self.transport, None, None
        return transport


class Waiter(Generic[T]):
    """A caller; it has its connection before ``wake`` is called, which may be more than once."""

    __slots__ = ("connection", "finished", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.connection: Connection[T] | None = None
        self.finished = False

    def strip(self) -> T | None:
        """Takes the transport away, as long as it is this caller's."""
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
        """Gives the caller a connection, the last used first; False if it has to wait."""
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
        """Ends a caller's use, or its wait; returns a transport that is to be closed, if any."""
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
        # After a rush, connections that nobody needs any more are closed one by one.
        self._made -= 1
        self._idle.popleft()
        return oldest.strip()

    def close(self) -> list[T]:
        """Ends the queue; returns the idle transports, which are to be closed."""
        with self._lock:
            self.closed = True
            idle = self.idle()
            self._idle.clear()
            return idle

    def idle(self) -> list[T]:
        """The transports that nobody uses.

        It needs no lock: in a forked process a thread that is no more may hold that.
        """
        return [c.transport for c in tuple(self._idle) if c.transport is not None]
