"""The embedded service over HTTP, which can fail, go away and come back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any, Self

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from vectorcache.local import app

# A detail in the error of a failing service, which no user of an application may see.
INTERNALS = "db-7.internal:5432"
RETRY_AFTER = "70"  # Longer than a client waits, so that it fails at once.


def answer_to(prompt: str) -> str:
    """Returns the answer of the LLM behind the service."""
    return f"An answer to: {prompt}"


class EmbeddedService:
    """A service that keeps its port and its cache while it is away.

    While ``failing`` is true, it answers every request with 503.
    """

    def __init__(self) -> None:
        self.failing = False
        self._application = app(llm=lambda prompt, model, context: answer_to(prompt))
        # Bound but never listening: while the service is away, connections are refused.
        self._held = _bound(0)
        self._port: int = self._held.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.come_back()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_away()
        self._held.close()
        self._application.state.engine.close()

    def come_back(self) -> None:
        """Starts to listen."""
        listener = _bound(self._port)
        listener.listen(1024)
        config = uvicorn.Config(self, log_level="critical", ws="none", lifespan="off")
        self._server = uvicorn.Server(config)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(listener,))
        self._thread.start()

    def _run(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve([listener]))

    def go_away(self) -> None:
        """Answers all open requests, and closes all connections."""
        self._server.should_exit = True
        for _ in range(30):
            self._thread.join(1)
            if not self._thread.is_alive():
                return
            # Uvicorn asks each connection to close once. One that was accepted just afterwards, and
            # carries no request, would keep the server waiting for as long as its client likes.
            with contextlib.suppress(RuntimeError):  # The loop has just been closed.
                self._loop.call_soon_threadsafe(self._close_connections)
        raise AssertionError("the embedded service did not stop within 30 s")

    def _close_connections(self) -> None:
        for connection in tuple(self._server.server_state.connections):
            connection.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.failing:
            await self._application(scope, receive, send)
            return
        body: dict[str, Any] = {"error": "service_unavailable", "message": f"no {INTERNALS}"}
        refusal = JSONResponse(body, 503, {"Retry-After": RETRY_AFTER})
        await refusal(scope, receive, send)


def _bound(port: int) -> socket.socket:
    # The protocol is named, because asyncio otherwise leaves Nagle's algorithm on.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound
