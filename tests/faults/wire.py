"""The server's end of one connection, with methods that break the rules of TCP and TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Wire:
    """Sends and receives bytes, with or without TLS, and ends the connection in several ways.

    TLS runs in memory, so that its bytes can be delayed, cut off and corrupted too.
    """

    def __init__(self, connection: socket.socket, context: ssl.SSLContext | None) -> None:
        connection.setblocking(False)
        # Otherwise the kernel delays small pieces, and a reset then discards them.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open = True
        self.encrypted = False
        self.context = context
        self._socket = connection
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None

    async def start_tls(self, every: float = 0.0) -> None:
        """Does the TLS handshake, with a pause of ``every`` seconds after each byte of it."""
        assert self.context is not None, "the scenario needs over=('https',)"
        self.encrypted = True
        self._tls = self.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        await self._through_tls(self._tls.do_handshake, every)

    async def receive(self, size: int = 65_536) -> bytes:
        """Returns the next bytes that the client sent; empty at the end of the connection."""
        if self._tls is None:
            return await self._loop.sock_recv(self._socket, size)
        tls = self._tls
        try:
            return await self._through_tls(lambda: tls.read(size))
        except ssl.SSLError:
            return b""

    async def send(self, data: bytes) -> None:
        """Sends bytes, through TLS if it has been started."""
        if self._tls is None:
            await self.send_raw(data)
        elif data:
            self._tls.write(data)
            await self._flush()

    async def send_raw(self, data: bytes) -> None:
        """Sends bytes without encrypting them."""
        await self._loop.sock_sendall(self._socket, data)

    async def close_sending(self) -> None:
        """Closes the sending half properly, over TLS with a close_notify first."""
        if self._tls is not None:
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
            await self._flush()
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Resets the connection, so that the client gets "connection reset by peer"."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Closes the socket, over TLS without a close_notify."""
        self.open = False
        self._socket.close()

    async def _through_tls(self, act: Callable[[], T], every: float = 0.0) -> T:
        while True:
            try:
                result = act()
            except ssl.SSLWantReadError:
                await self._flush(every)
                data = await self._loop.sock_recv(self._socket, 65_536)
                if not data:
                    raise ConnectionError("the client closed the connection") from None
                self._incoming.write(data)
            except ssl.SSLError:
                # Send the alert of TLS, and wait: closing now could reset the connection, and the
                # client would not see the alert.
                await self._flush()
                self._socket.shutdown(socket.SHUT_WR)
                while await self._loop.sock_recv(self._socket, 65_536):
                    pass
                raise
            else:
                await self._flush(every)
                return result

    async def _flush(self, every: float = 0.0) -> None:
        data = self._outgoing.read()
        if not every:
            await self.send_raw(data)
        else:
            for byte in data:
                await self.send_raw(bytes([byte]))
                await asyncio.sleep(every)
