"""An HTTP/2 server on loopback, which answers each request or leaves it without an answer."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from typing import Self

import h2.config
import h2.connection
import h2.events
import trustme
from servers import HIT


class Http2Server:
    """Does with request n what step n of its script says, and with the others what ``rest`` does.

    ``"answer"`` sends a hit, ``"silence"`` nothing, and ``"reset"`` ends the connection.
    """

    def __init__(self) -> None:
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["h2"])
        authority.issue_cert("localhost").configure_cert(context)
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        self.arrivals: list[float] = []
        self.script: list[str] = []
        self.rest = "answer"
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def least_gap(self) -> float:
        """Seconds between the two requests that were closest to each other."""
        pairs = zip(self.arrivals, self.arrivals[1:], strict=False)
        return min(after - before for before, after in pairs)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for connection in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            connection = self._context.wrap_socket(
                plain, server_side=True, do_handshake_on_connect=False
            )
            self._open.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        state.initiate_connection()
        with connection, contextlib.suppress(OSError):
            connection.sendall(state.data_to_send())
            while data := connection.recv(65_536):
                for event in state.receive_data(data):
                    match event:
                        case h2.events.StreamEnded():
                            if not self._act(state, event.stream_id):
                                return
                connection.sendall(state.data_to_send())

    def _act(self, state: h2.connection.H2Connection, stream: int | None) -> bool:
        assert stream is not None
        self.arrivals.append(time.monotonic())
        step = self.script.pop(0) if self.script else self.rest
        if step == "answer":
            state.send_headers(stream, [(":status", "200"), ("content-type", "application/json")])
            state.send_data(stream, json.dumps(HIT).encode(), end_stream=True)
        return step != "reset"
