"""The connections of each event loop. No other loop can use them, not even to close them.

When a loop ends, it closes the asynchronous generators that were begun in it, and the garbage
collector returns unused ones to their loop. So an asynchronous generator keeps the connections of
each loop. Then a loop that ends, and a client that is dropped, leave no open socket.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from os import getpid
from typing import Any, NamedTuple

import httpx

from .queue import ConnectionQueue
from .transports import KEEPALIVE_SECONDS

# Seconds for which a caller waits for a connection to close in an orderly way.
_GOODBYE_SECONDS = 0.2

AsyncQueue = ConnectionQueue[httpx.AsyncBaseTransport]


class _Loop(NamedTuple):
    queue: AsyncQueue
    keeper: AsyncGenerator[None]


class Loops:
    """The queues of the event loops in which a client is used."""

    def __init__(self, size: int) -> None:
        self.used_by: set[int] = set()
        self._size = size
        self._loops: dict[tuple[int, Any], _Loop] = {}

    async def queue(self) -> AsyncQueue:
        """Returns the queue of the running loop."""
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
        """Drops the queues; each loop then closes its own connections."""
        self._loops.clear()

    async def close(self) -> None:
        """Closes the connections of this loop; the other loops close their own."""
        loop = self._loops.pop(running_loop(), None)
        self.forget()
        if loop is not None:
            await loop.keeper.aclose()


def running_loop() -> tuple[int, Any]:
    """Returns a token for this process and the event loop that runs in it."""
    from anyio.lowlevel import current_token  # Imported here, as the sync client does not need it.

    return getpid(), current_token()


def _is_closed(token: tuple[int, Any]) -> bool:
    native = getattr(token[1], "native_token", token[1])  # Since 4.11, anyio wraps it.
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
    """Closes an unused transport or stream, even if its caller is cancelled."""
    import anyio

    if closable is not None:
        with (
            contextlib.suppress(Exception),
            anyio.move_on_after(_GOODBYE_SECONDS, shield=True),
        ):
            await closable.aclose()
