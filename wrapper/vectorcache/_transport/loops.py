"""The connections of each event loop, which no other loop can use, not even to close them.

A loop that ends closes the asynchronous generators that were begun in it, and the garbage
collector hands those that nobody holds any more back to their loop. So such a generator keeps
each loop's connections: whoever ends a loop, or forgets a client, leaves no socket behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from os import getpid
from typing import Any, NamedTuple

import httpx

from .queue import ConnectionQueue
from .transports import KEEPALIVE_SECONDS

# How long a connection's polite goodbye may hold up its caller.
_GOODBYE_SECONDS = 0.2

AsyncQueue = ConnectionQueue[httpx.AsyncBaseTransport]


class _Loop(NamedTuple):
    queue: AsyncQueue
    keeper: AsyncGenerator[None]


class Loops:
    """The queue of each event loop that a client is used from."""

    def __init__(self, size: int) -> None:
        self.used_by: set[int] = set()
        self._size = size
        self._loops: dict[tuple[int, Any], _Loop] = {}

    async def queue(self) -> AsyncQueue:
        """The queue of the running loop."""
        token = running_loop()
        loop = self._loops.get(token)
        if loop is None or loop.queue.closed:
            for other, its in tuple(self._loops.items()):
                if its.queue.closed or _is_closed(other):
                    self._loops.pop(other, None)
            self.used_by.add(token[0])
            queue: AsyncQueue = ConnectionQueue(self._size, KEEPALIVE_SECONDS)
            loop = self._loops[token] = _Loop(queue, _keep(queue))
            await anext(loop.keeper)
        return loop.queue

    def forget(self) -> None:
        """Leaves the connections to their loops, each of which closes its own in a moment."""
        self._loops.clear()

    async def close(self) -> None:
        """Closes what is this loop's, and leaves to the others what is theirs."""
        loop = self._loops.pop(running_loop(), None)
        self.forget()
        if loop is not None:
            await loop.keeper.aclose()


def running_loop() -> tuple[int, Any]:
    """A name for this process and the event loop that runs in it."""
    from anyio.lowlevel import current_token  # Those who use threads need not load it.

    return getpid(), current_token()


def _is_closed(token: tuple[int, Any]) -> bool:
    native = getattr(token[1], "native_token", token[1])  # anyio wraps it from 4.11 on.
    return bool(getattr(native, "is_closed", bool)())


async def _keep(queue: AsyncQueue) -> AsyncGenerator[None]:
    import anyio

    try:
        yield
    finally:
        async with anyio.create_task_group() as tasks:
            for transport in queue.close():
                tasks.start_soon(dispose, transport)


async def dispose(closable: Any) -> None:
    """Closes a transport or a stream that nobody uses, whoever is cancelled meanwhile."""
    import anyio

    if closable is not None:
        with (
            contextlib.suppress(Exception),
            anyio.move_on_after(_GOODBYE_SECONDS, shield=True),
        ):
            await closable.aclose()
