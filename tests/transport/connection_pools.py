"""Connections without a network, and the transports that they are made of."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from call.attempts import make_attempt

from vectorcache._call.attempt import Attempt
from vectorcache._transport.connections import AsyncConnections, Connections

# An address needs no look-up of a name.
URL = "http://127.0.0.1:9"


def new_attempt(**options: Any) -> Attempt:
    return make_attempt(time.monotonic, url=URL, **options)


class Closable:
    """A transport or a network stream of either kind."""

    def __init__(self, *, readable: bool = False, broken: bool = False) -> None:
        self.closed = 0
        self.readable = readable
        self.broken = broken

    def close(self) -> None:
        self.closed += 1
        if self.broken:
            raise OSError("already gone")

    async def aclose(self) -> None:
        self.close()

    def get_extra_info(self, name: str) -> bool | None:
        return self.readable if name == "is_readable" else None


class Pool:
    """Connections of either kind, and the transports that were made for them."""

    def __init__(
        self,
        kind: str,
        size: int = 2,
        shared: Closable | None = None,
        owner: str | None = "a client of the test",
    ) -> None:
        self.made: list[Closable] = []
        self.is_async = kind == "async"
        self.breaks = False
        connections: Any = AsyncConnections if self.is_async else Connections
        self.connections = connections(self.make, size, shared, *filter(None, [owner]))

    def make(self) -> Closable:
        self.made.append(Closable(broken=self.breaks))
        return self.made[-1]

    @asynccontextmanager
    async def take(self, attempt: Attempt | None = None) -> AsyncIterator[Closable]:
        attempt = attempt or new_attempt()
        if self.is_async:
            async with self.connections.take(attempt) as transport:
                yield transport
        else:
            with self.connections.take(attempt) as transport:
                yield transport

    async def use(self, closing: bool = False) -> None:
        async with self.take():
            pass
        if closing:
            await self.close()

    async def fail(self, attempt: Attempt, stream: Closable, *, closing: bool = False) -> None:
        """An attempt that connects this stream, and then fails."""
        async with self.take(attempt):
            attempt.trace.start(stream)
            if closing:
                await self.close()
            raise httpx.ReadError("reset")

    async def close(self) -> None:
        if self.is_async:
            await self.connections.aclose()
        else:
            self.connections.close()
