"""A raw HTTP server on loopback that does just what a test scripts it to do."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any, Self

HIT: dict[str, Any] = {
    "cache_hit": True,
    "response": "Machine learning is ...",
    "similarity_score": 0.94,
    "cost_saved": 0.0023,
    "llm_provider": "cache",
}
MISS: dict[str, Any] = {
    "cache_hit": False,
    "response": "Machine learning is ...",
    "similarity_score": None,
    "cost_saved": 0,
    "llm_provider": "openai",
}

Step = bytes | Callable[[socket.socket], None]


def answer(
    body: object = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    raw: bytes | None = None,
) -> bytes:
    """The bytes of an HTTP answer; ``body`` is sent as JSON, ``raw`` as it is."""
    content = json.dumps(HIT if body is None else body).encode() if raw is None else raw
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(content)}"]
    if raw is None:
        lines.append("Content-Type: application/json")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def hang_up(connection: socket.socket) -> None:
    """Closes the connection without a word."""


def drip(over: threading.Event, head: bytes = b"") -> Step:
    """Sends a byte every 50 ms, and so keeps every read timeout happy."""

    def step(connection: socket.socket) -> None:
        connection.sendall(head)
        for byte in answer(raw=1_000 * b" ")[len(head) :]:
            connection.sendall(bytes([byte]))
            if over.wait(0.05):
                return

    return step


class Received:
    """One request as it arrived."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.line, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines if line)
        self.headers = {name.lower(): value for name, value in pairs}
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class ScriptedServer:
    """Answers request n with step n of its script, and with ``default`` after the last.

    ``respond``, if a test sets it, makes the answer from the request, in place of ``default``.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script: list[Step] = []
        self.default: Step = answer()
        self.respond: Callable[[Received], Step] | None = None
        self.requests: list[Received] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = (
            f"http://127.0.0.1:{self.port}" if tls is None else f"https://localhost:{self.port}"
        )
        self._tls = tls

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake a thread that is in accept or recv.
        with self._lock:
            for connection in [self._listener, *self._open]:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def wait_until_idle(self, seconds: float) -> bool:
        """Waits until every connection has ended; False if that takes too long."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._open, seconds)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._tls is not None:  # The handshake comes with the first read.
                connection = self._tls.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            with self._lock:
                self._open.add(connection)
                self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            while (request := _read_request(connection)) is not None:
                with self._lock:
                    self.requests.append(request)
                    respond = None if self.script else self.respond
                    step = self.script.pop(0) if self.script else self.default
                if respond is not None:
                    step = respond(request)
                if isinstance(step, bytes):
                    connection.sendall(step)
                else:
                    step(connection)
                    break
        except OSError:
            pass
        finally:
            connection.close()
            with self._idle:
                self._open.discard(connection)
                self._idle.notify_all()


def _read_request(connection: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65_536)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(Received(head, b"").headers.get("content-length", 0))
    while len(body) < length:
        chunk = connection.recv(65_536)
        if not chunk:
            return None
        body += chunk
    return Received(head, body)
