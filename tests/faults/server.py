"""A server on loopback that does what a scenario's script says, and counts."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import socket
import ssl
from typing import Self

from faults.behaviour import GOOD, TUNNEL, On, Step
from faults.wire import Wire
from servers import Received


class Listening(enum.Enum):
    """What becomes of those who want to connect."""

    YES = "yes"
    REFUSES = "refuses"
    IGNORES = "ignores"  # as a firewall does that drops packets


class FaultServer:
    """Does step n of its script for request n, or for the connection before it.

    Lives on one event loop; what it counted may be read from any thread.

    Args:
        context: for TLS; None for none.
        tls_first: whether a connection begins with TLS, rather than after CONNECT.
        idle_seconds: how long it keeps an idle connection; None for ever.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        tls_first: bool = True,
        listening: Listening = Listening.YES,
        idle_seconds: float | None = None,
    ) -> None:
        self.requests: list[Received] = []
        self.tunnels: list[Received] = []
        self.connections = 0
        self.script: list[Step] = []
        self.rest = GOOD
        self._context = context
        self._tls_first = tls_first
        self._listening = listening
        self._idle_seconds = idle_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._crowd: list[socket.socket] = []
        self._listener = socket.socket()
        # Little room, so that a server that stops reading is soon noticed by its client.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        secure = self._context is not None and self._tls_first
        return f"https://localhost:{self.port}" if secure else f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        match self._listening:
            case Listening.YES:
                await self.listen()
            case Listening.IGNORES:
                self._listener.listen(0)
                await self._crowd_out()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for waiting in [self._listener, *self._crowd]:
            waiting.close()

    async def listen(self) -> None:
        """Lets everybody in, from now on."""
        for waiting in self._crowd:
            waiting.close()
        self._listener.listen(1_024)
        self._start(self._accept())

    async def recover(self, rest: Step) -> None:
        """Ends the script: from now on the server does ``rest``."""
        self.script, self.rest = [], rest
        if self._listening is not Listening.YES:
            self._listening = Listening.YES
            await self.listen()

    async def _crowd_out(self) -> None:
        # A full backlog: the kernel drops who comes next, without a word.
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            self._crowd.append(waiting)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(("127.0.0.1", self.port))

    def _start(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            self.connections += 1
            self._start(self._serve(connection))

    async def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            wire = Wire(connection, self._context)
            if self._next_step.on is On.CONNECTION:
                await self._do_next_step(wire)
            if wire.open and self._context and self._tls_first and not wire.encrypted:
                await wire.start_tls()
            patience = None
            while wire.open and (request := await self._request(wire, patience)) is not None:
                patience = self._idle_seconds
                if not request.line.startswith("CONNECT "):
                    self.requests.append(request)
                    await self._do_next_step(wire)
                    continue
                self.tunnels.append(request)
                if self._next_step.on is On.TUNNEL:
                    await self._do_next_step(wire)
                else:
                    await self._do(TUNNEL, wire)

    @property
    def _next_step(self) -> Step:
        return self.script[0] if self.script else self.rest

    async def _do_next_step(self, wire: Wire) -> None:
        step = self._next_step
        if self.script:
            self.script.pop(0)
        await self._do(step, wire)

    async def _do(self, step: Step, wire: Wire) -> None:
        for action in step.actions:
            await action(wire)

    async def _request(self, wire: Wire, patience: float | None = None) -> Received | None:
        try:
            async with asyncio.timeout(patience):
                data = await wire.receive()
        except TimeoutError:
            return None
        while b"\r\n\r\n" not in data:
            data += (more := await wire.receive())
            if not more:
                return None
        head, _, content = data.partition(b"\r\n\r\n")
        length = int(Received(head, b"").headers.get("content-length", 0))
        parts = [content]
        left = length - len(content)
        while left > 0:
            parts.append(more := await wire.receive())
            left -= len(more)
            if not more:
                return None
        return Received(head, b"".join(parts))
