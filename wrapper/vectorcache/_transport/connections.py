"""The connections of a client: each attempt gets one, and always gives it back."""

from __future__ import annotations

import contextlib
import queue
import time
import warnings
from collections.abc import AsyncIterator, Callable, Container, Iterator
from functools import partial
from os import getpid
from typing import Any, Generic, NamedTuple, TypeVar

import httpx

from .._call.attempt import Attempt
from .._call.failure import AttemptFailed
from .._call.foreign_exceptions import exceptions_handled_now, foreign_exception
from .._call.network_errors import failure_from_full_queue
from .._threading import surroundings
from ..errors import ConfigurationError
from .loops import AsyncQueue, Loops
from .loops import dispose as dispose_async
from .queue import Connection, ConnectionQueue, Waiter
from .transports import KEEPALIVE_SECONDS, load_async_transports, load_transports
from .watchdog import Watchdog

T = TypeVar("T")


class _Connections(Generic[T]):
    """The common base of the sync and the async connections.

    Args:
        make: makes the transport of one connection.
        size: how many connections may be in use at once, in a process or an event loop.
        shared: a transport that serves all connections, instead of ``make``.
        owner: the client, in words.
    """

    def __init__(
        self,
        make: Callable[[], T],
        size: int,
        shared: T | None,
        owner: str = "a Vectorcache client",
    ) -> None:
        self.closed = False
        self._make = make
        self._size = size
        self._shared = shared
        self._owner = owner

    def refuse_if_closed(self) -> None:
        """Raises ConfigurationError if the client is closed."""
        if self.closed:
            raise ConfigurationError("the client is closed: make a new one")

    def _open(self, connection: Connection[T], attempt: Attempt) -> T:
        attempt.begin(connection.network_stream)
        if self._shared is not None:
            return self._shared
        if connection.transport is None:
            connection.transport = self._make()
        return connection.transport

    def _opened(self, attempt: Attempt) -> Any:
        """Returns the stream that a failed attempt connected.

        A transport forgets its stream if starting TLS on it fails.
        """
        return attempt.trace.network_stream if self._shared is None else None

    def _warn_if_open(self, used_by: Container[int]) -> None:
        if not self.closed and getpid() in used_by:
            warnings.warn(
                f"{self._owner} was not closed: use it in a with statement, or close it",
                ResourceWarning,
                stacklevel=1,
                source=self,
            )


class _Process(NamedTuple):
    """The queue and the watchdog of one process.

    After a fork, parent and child must not share them: they would read each other's answers. A
    process also has others before gevent has patched it than after.
    """

    queue: ConnectionQueue[httpx.BaseTransport]
    watchdog: Watchdog


class Connections(_Connections[httpx.BaseTransport]):
    """The connections of the sync client, for which threads wait."""

    def __init__(
        self,
        make: Callable[[], httpx.BaseTransport],
        size: int,
        shared: httpx.BaseTransport | None,
        owner: str = "a Vectorcache client",
    ) -> None:
        super().__init__(make, size, shared, owner)
        self._processes: dict[tuple[int, type[object]], _Process] = {}
        load_transports()

    @contextlib.contextmanager
    def take(self, attempt: Attempt) -> Iterator[httpx.BaseTransport]:
        """Gives one attempt a connection; its time begins when it has one.

        Raises:
            AttemptFailed: no connection became free in time.
            ConfigurationError: the client is closed.
        """
        here = self._here()
        # A queue is used, as Ctrl-C inside an Event may leave it locked.
        free: queue.SimpleQueue[None] = queue.SimpleQueue()
        waiter: Waiter[httpx.BaseTransport] = Waiter(partial(free.put, None))
        attempt.wake = waiter.wake
        try:
            if not here.queue.take(waiter):
                with contextlib.suppress(queue.Empty):
                    free.get(timeout=attempt.time.seconds_to_queue)
            connection = waiter.connection
            if connection is None:
                raise AttemptFailed(failure_from_full_queue(self._size))
            if attempt.needs_new_connection or connection.is_stale(
                time.monotonic(), KEEPALIVE_SECONDS
            ):
                _dispose(connection.strip())
            yield self._open(connection, attempt)
            connection.network_stream = attempt.trace.network_stream
            waiter.finished = True
        finally:
            try:
                self._leave(here, waiter, attempt)
            except BaseException:
                # Ctrl-C interrupted it. The second call does what the first has not done.
                self._leave(here, waiter, attempt)
                raise

    @property
    def looks_up_names(self) -> bool:
        """Whether the host is looked up before a connection is opened; no for shared transports."""
        return self._shared is None

    def watch(self, attempt: Attempt) -> None:
        """Has an attempt ended when its time is over, wherever its thread then waits."""
        here = self._processes.get(surroundings())
        if here is not None:
            here.watchdog.watch(attempt)

    def end(self, attempt: Attempt) -> None:
        """Ends the attempt of another thread.

        A thread that looks up a name or connects ends only after that.
        """
        attempt.end_now()
        here = self._processes.get(surroundings())
        if here is not None:
            here.watchdog.hurry(attempt)

    def close(self, *, wait: bool = True) -> None:
        """Closes the idle connections; those in use are closed after their use.

        Args:
            wait: whether to wait for the thread of the watchdog.
        """
        self.closed = True
        if self._shared is not None:
            self._shared.close()
        self._drop_inherited()
        here = self._processes.get(surroundings())
        if here is not None:
            here.watchdog.stop(wait=wait)
            for transport in here.queue.close():
                _dispose(transport)

    def __del__(self) -> None:
        self._warn_if_open([process for process, _ in self._processes])
        # Closing avoids a warning for each socket. The garbage collector may run in any thread.
        with contextlib.suppress(Exception):
            self.close(wait=False)

    def _here(self) -> _Process:
        where = surroundings()
        here = self._processes.get(where)
        if here is None:
            # ``setdefault`` gives two threads that come at the same time the same object.
            here = self._processes.setdefault(
                where, _Process(ConnectionQueue(self._size, KEEPALIVE_SECONDS), Watchdog())
            )
            self._drop_inherited()
        self.refuse_if_closed()
        return here

    def _drop_inherited(self) -> None:
        # This closes only the handles of this process; the parent can go on using its own.
        here = surroundings()
        for where in tuple(self._processes):
            if where != here:
                inherited = self._processes.pop(where, None)
                for transport in () if inherited is None else inherited.queue.idle():
                    _dispose(transport)

    def _leave(self, here: _Process, waiter: Waiter[httpx.BaseTransport], attempt: Attempt) -> None:
        here.watchdog.forget(attempt)
        if not waiter.finished:
            _dispose(waiter.strip())
            _dispose(self._opened(attempt))
        _dispose(here.queue.leave(waiter, time.monotonic()))


def _dispose(closable: Any) -> None:
    if closable is None:
        return
    known = exceptions_handled_now()
    try:
        closable.close()
    except Exception as error:
        foreign = foreign_exception(error, known)
        if foreign is not None:
            raise foreign from None


class AsyncConnections(_Connections[httpx.AsyncBaseTransport]):
    """The connections of the async client, for which tasks wait."""

    def __init__(
        self,
        make: Callable[[], httpx.AsyncBaseTransport],
        size: int,
        shared: httpx.AsyncBaseTransport | None,
        owner: str = "a Vectorcache client",
    ) -> None:
        super().__init__(make, size, shared, owner)
        self._loops = Loops(size)
        load_async_transports()

    @contextlib.asynccontextmanager
    async def take(self, attempt: Attempt) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """Gives one attempt a connection; its time begins when it has one.

        Raises:
            AttemptFailed: no connection became free in time.
            ConfigurationError: the client is closed.
        """
        import anyio  # Imported here, as the sync client does not need it.

        self.refuse_if_closed()
        queue = await self._loops.queue()
        free = anyio.Event()
        waiter: Waiter[httpx.AsyncBaseTransport] = Waiter(free.set)
        try:
            if not queue.take(waiter):
                with anyio.move_on_after(attempt.time.seconds_to_queue):
                    await free.wait()
            connection = waiter.connection
            if connection is None:
                raise AttemptFailed(failure_from_full_queue(self._size))
            if attempt.needs_new_connection:
                await dispose_async(connection.strip())
            yield self._open(connection, attempt)
            waiter.finished = True
        finally:
            try:
                await self._leave(queue, waiter, attempt)
            except BaseException:
                # A cancellation interrupted it. The second call does what the first has not done.
                await self._leave(queue, waiter, attempt)
                raise

    async def aclose(self) -> None:
        """Closes the connections of this event loop; the other loops close their own."""
        self.closed = True
        try:
            if self._shared is not None:
                await self._shared.aclose()
        finally:
            await self._loops.close()

    def __del__(self) -> None:
        self._warn_if_open(self._loops.used_by)
        self._loops.forget()  # Done here, as code that keeps the warning keeps this object, too.

    async def _leave(
        self, queue: AsyncQueue, waiter: Waiter[httpx.AsyncBaseTransport], attempt: Attempt
    ) -> None:
        if not waiter.finished:
            await dispose_async(waiter.strip())
            await dispose_async(self._opened(attempt))
        await dispose_async(queue.leave(waiter, time.monotonic()))
