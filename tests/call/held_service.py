"""A service that holds its answers back, and counts the calls that wait for the same one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import attrs
from clients import BlockingAsyncClient
from joined import Joined
from servers import MISS, Received, ScriptedServer, answer

WAIT = 20.0


class HeldService:
    """Answers no request before the test lets it; then each as ``reply`` says."""

    def __init__(self, server: ScriptedServer) -> None:
        self.reply: Callable[[Received], bytes] = lambda request: answer(MISS)
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()
        self.requests = server.requests
        server.respond = self

    def __call__(self, request: Received) -> bytes:
        self.arrived.release()
        assert self.released.wait(WAIT)
        return self.reply(request)

    def wait_for_request(self) -> None:
        assert self.arrived.acquire(timeout=WAIT)


def counted(client: Any) -> Joined:
    """Lets a test know when the client's calls have joined."""
    made = Joined()
    inner = client._client if isinstance(client, BlockingAsyncClient) else client
    inner._state = attrs.evolve(inner._state, coalescing=made)
    return made
