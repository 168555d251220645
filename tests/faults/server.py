"""A server on loopback that follows the script of a scenario, and counts requests."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import socket
import ssl
from typing import Self

from faults.behaviour import GOOD, TUNNEL, Event, Step
from faults.wire import Wire
from servers import Received


class Listening(enum.Enum):
    """What the server does with new connections."""

    YES = "yes"
    REFUSES = "refuses"
    IGNORES = "ignores"  # Like a firewall that drops packets.


class FaultServer:
    """A server that takes the next step of its script for each event, such as a request.

    It runs on one event loop; its counts may be read from any thread.

    Args:
        context: for TLS; None for plain HTTP.
        tls_first: whether TLS begins with the connection; otherwise it begins after CONNECT.
        listening: what the server does with new connections, until ``listen`` is called.
        idle_seconds: how long the server keeps an idle connection; None for no limit.
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
        self._backlog: list[socket.socket] = []
        self._listener = socket.socket()
        # A small buffer: a client soon notices that the server has stopped reading.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """The address for ``base_url``."""
        secure = self._context is not None and self._tls_first
        return f"https://localhost:{self.port}" if secure else f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        match self._listening:
            case Listening.YES:
                await self.listen()
            case Listening.IGNORES:
                self._listener.listen(0)
                await self._fill_backlog()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for waiting in [self._listener, *self._backlog]:
            waiting.close()

    async def listen(self) -> None:
        """Accepts all connections from now on."""
        for waiting in self._backlog:
            waiting.close()
        self._listener.listen(1_024)
        self._start(self._accept())

    async def recover(self, rest: Step) -> None:
        """Ends the script: from now on the server takes the step ``rest`` for every event."""
        self.script, self.rest = [], rest
        if self._listening is not Listening.YES:
            self._listening = Listening.YES
            await self.listen()

    async def _fill_backlog(self) -> None:
        # Fills the backlog, so that the kernel silently drops further connections.
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            self._backlog.append(waiting)
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
            if self._next_step.on is Event.CONNECTION:
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
                if self._next_step.on is Event.TUNNEL:
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
