"""The connections of a client: how callers get one, and give it back whatever happens."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Generic, TypeVar

import httpx

from ._attempt import Attempt
from ._failure import AttemptFailed, of_no_connection
from ._network import KEEPALIVE_SECONDS
from ._queue import Connection, ConnectionQueue, Waiter
from ._watchdog import Watchdog
from .errors import ConfigurationError

T = TypeVar("T")

# How long a broken connection's polite goodbye may hold up its caller.
_GOODBYE_SECONDS = 0.2


class _Connections(Generic[T]):
    """What both colours share.

    Args:
        make: makes the transport of one connection.
        size: how many connections may be in use at once.
        shared: a transport that serves all connections, instead of ``make``.
    """

    def __init__(self, make: Callable[[], T], size: int, shared: T | None) -> None:
        self.closed = False
        self._make = make
        self._size = size
        self._shared = shared
        self._home: Any = None
        self._queue: ConnectionQueue[T] = ConnectionQueue(size, KEEPALIVE_SECONDS)

    def _queue_at(self, home: Any) -> ConnectionQueue[T]:
        """The queue of this process or event loop, whose connections no other can use."""
        if self.closed:
            raise ConfigurationError("the client is closed: make a new one")
        if home != self._home:
            if self._home is not None:
                self._queue = ConnectionQueue(self._size, KEEPALIVE_SECONDS)
            self._home = home
        return self._queue

    def _open(self, connection: Connection[T], attempt: Attempt) -> T:
        attempt.begin(connection.network_stream)
        if self._shared is not None:
            return self._shared
        if connection.transport is None:
            connection.transport = self._make()
        return connection.transport

    def _end(self) -> list[T]:
        self.closed = True
        idle = self._queue.close()
        return idle if self._shared is None else [self._shared]

    def __del__(self) -> None:
        if self._home is not None and not self.closed:
            warnings.warn(
                "a Vectorcache client was not closed: use it in a with statement, or close it",
                ResourceWarning,
                stacklevel=1,
            )


class Connections(_Connections[httpx.BaseTransport]):
    """Connections that threads wait for."""

    def __init__(
        self,
        make: Callable[[], httpx.BaseTransport],
        size: int,
        shared: httpx.BaseTransport | None,
    ) -> None:
        super().__init__(make, size, shared)
        self._watchdog = Watchdog()

    @contextlib.contextmanager
    def take(self, attempt: Attempt) -> Iterator[httpx.BaseTransport]:
        """A connection for one attempt, whose time begins with it.

        Raises:
            AttemptFailed: none came free in time.
            ConfigurationError: the client is closed.
        """
        queue = self._queue_at(os.getpid())
        free = threading.Event()
        waiter: Waiter[httpx.BaseTransport] = Waiter(free.set)
        try:
            if not queue.take(waiter):
                free.wait(attempt.seconds_to_queue)
            connection = waiter.connection
            if connection is None:
                raise AttemptFailed(of_no_connection(self._size))
            if attempt.fresh:
                self._dispose(connection.strip())
            transport = self._open(connection, attempt)
            with self._watchdog.watch(attempt):
                yield transport
            connection.network_stream = attempt.network_stream
        except BaseException:
            self._dispose(waiter.strip())
            raise
        finally:
            self._dispose(queue.leave(waiter, time.monotonic()))

    def close(self) -> None:
        for transport in self._end():
            transport.close()

    def __del__(self) -> None:
        super().__del__()
        # Else each socket would warn as well. Async ones have no loop left to close them on.
        with contextlib.suppress(Exception):
            self.close()

    def _dispose(self, transport: httpx.BaseTransport | None) -> None:
        if transport is not None:
            with contextlib.suppress(Exception):
                transport.close()


class AsyncConnections(_Connections[httpx.AsyncBaseTransport]):
    """Connections that tasks wait for."""

    @contextlib.asynccontextmanager
    async def take(self, attempt: Attempt) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """A connection for one attempt, whose time begins with it.

        Raises:
            AttemptFailed: none came free in time.
            ConfigurationError: the client is closed.
        """
        import anyio.lowlevel  # Here and below: those who use threads need not load it.

        queue = self._queue_at((os.getpid(), anyio.lowlevel.current_token()))
        free = anyio.Event()
        waiter: Waiter[httpx.AsyncBaseTransport] = Waiter(free.set)
        try:
            if not queue.take(waiter):
                with anyio.move_on_after(attempt.seconds_to_queue):
                    await free.wait()
            connection = waiter.connection
            if connection is None:
                raise AttemptFailed(of_no_connection(self._size))
            if attempt.fresh:
                await self._dispose(connection.strip())
            yield self._open(connection, attempt)
        except BaseException:
            await self._dispose(waiter.strip())
            raise
        finally:
            await self._dispose(queue.leave(waiter, time.monotonic()))

    async def aclose(self) -> None:
        for transport in self._end():
            await transport.aclose()

    async def _dispose(self, transport: httpx.AsyncBaseTransport | None) -> None:
        import anyio

        if transport is not None:
            with (
                contextlib.suppress(Exception),
                anyio.move_on_after(_GOODBYE_SECONDS, shield=True),
            ):
                await transport.aclose()
