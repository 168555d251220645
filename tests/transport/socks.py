"""A SOCKS 5 proxy on loopback."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        proxy = self.server
        assert isinstance(proxy, SOCKSProxy)
        _, methods = self.rfile.read(2)
        self.rfile.read(methods)
        self.wfile.write(b"\x05\x00")
        kind = self.rfile.read(4)[3]
        length = 4 if kind == 1 else self.rfile.read(1)[0]
        host = self.rfile.read(length)
        port = int.from_bytes(self.rfile.read(2), "big")
        name = socket.inet_ntoa(host) if kind == 1 else host.decode()
        proxy.asked.append(f"{name}:{port}")
        with socket.create_connection(("127.0.0.1", port)) as onward:
            self.wfile.write(b"\x05\x00\x00\x01" + 6 * b"\x00")
            back = threading.Thread(target=pump, args=(onward, self.connection))
            back.start()
            pump(self.connection, onward)
            back.join()


class SOCKSProxy(socketserver.ThreadingTCPServer):
    """Connects to loopback whatever name it is given, and remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.address = f"127.0.0.1:{self.server_address[1]}"


def pump(source: Any, target: Any) -> None:
    """Passes on what comes, and the end of it."""
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    """Serves in another thread. The clients have to be closed before the end."""
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        yield
    finally:
        server.shutdown()
        serving.join()
