"""A server's end of one connection, with the power to misuse it."""

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
    """Bytes in and out, in the clear or through TLS, and every way of ending that.

    TLS is done in memory, so that its bytes can be held back, cut and spoilt as well.
    """

    def __init__(self, connection: socket.socket, context: ssl.SSLContext | None) -> None:
        connection.setblocking(False)
        # Else the kernel holds back what a reset would then throw away.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open = True
        self.encrypted = False
        self.context = context
        self._socket = connection
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None

    async def start_tls(self, every: float = 0.0) -> None:
        """The handshake; ``every`` so many seconds a byte of it, if that is not 0."""
        assert self.context is not None, "the scenario needs over=('https',)"
        self.encrypted = True
        self._tls = self.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        await self._through_tls(self._tls.do_handshake, every)

    async def receive(self, size: int = 65_536) -> bytes:
        """What came next; nothing at the end."""
        if self._tls is None:
            return await self._loop.sock_recv(self._socket, size)
        tls = self._tls
        try:
            return await self._through_tls(lambda: tls.read(size))
        except ssl.SSLError:
            return b""

    async def send(self, data: bytes) -> None:
        if self._tls is None:
            await self.send_raw(data)
        elif data:
            self._tls.write(data)
            await self._flush()

    async def send_raw(self, data: bytes) -> None:
        """Sends past TLS."""
        await self._loop.sock_sendall(self._socket, data)

    async def say_goodbye(self) -> None:
        """Ends the sending half, in good order."""
        if self._tls is not None:
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
            await self._flush()
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Throws the connection away, so that the client's kernel says "reset by peer"."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Ends the connection; over TLS without a goodbye, as a cut cable would."""
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
                    raise ConnectionError("the client hung up") from None
                self._incoming.write(data)
            except ssl.SSLError:
                await self._flush()  # The alert, which a reset would overtake.
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
