"""The service of the soak test, in a process of its own: does to each call what its prompt says.

A prompt is the call's number, and after a colon the name of a fault. The process prints its port,
and ends when its input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys

from faults.behaviour import Close, Step, answer, on_request
from faults.server import FaultServer
from faults.wire import Wire
from servers import Received
from soak_faults import CANCELLED, CLOSES_BEHIND, FAULTS, good

_ALL = {**FAULTS, **CANCELLED}


class SoakServer(FaultServer):
    """A server that keeps nothing of what it has answered, so that it can run for days."""

    def __init__(self) -> None:
        super().__init__()
        self._met_once: set[str] = set()

    async def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            wire = Wire(connection, None)
            while wire.open and (request := await self._request(wire)) is not None:
                await self._do(self._step(request), wire)

    def _step(self, request: Received) -> Step:
        prompt = json.loads(request.body)["prompt"]
        name = prompt.partition(":")[2]
        right = answer(good(prompt))
        if name == CLOSES_BEHIND:
            return on_request(right, Close())
        if not name:
            return on_request(right)
        fault = _ALL[name]
        if fault.once and prompt in self._met_once:
            self._met_once.remove(prompt)
            return on_request(right)
        if fault.once:
            self._met_once.add(prompt)
        return fault.step


async def _serve() -> None:
    async with SoakServer() as server:
        print(server.port, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
