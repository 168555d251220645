"""The actions of a misbehaving server, and the steps that scenarios build from them.

>>> reset_in_the_body = (Send(HEAD), Send(b'{"cache_hit"'), Reset())
"""

from __future__ import annotations

import asyncio
import enum
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from faults.wire import Wire
from servers import HIT
from servers import answer as answer

# Seconds between two sends; so short that no read timeout of httpx ends the wait.
DRIP_INTERVAL = 0.02

Action = Callable[[Wire], Awaitable[None]]


@dataclass(frozen=True)
class Send:
    """Sends bytes at once."""

    data: bytes

    async def __call__(self, wire: Wire) -> None:
        await wire.send(self.data)


@dataclass(frozen=True)
class Drip:
    """Sends bytes one by one, with a pause after each."""

    data: bytes
    every: float = DRIP_INTERVAL

    async def __call__(self, wire: Wire) -> None:
        for byte in self.data:
            await wire.send(bytes([byte]))
            await asyncio.sleep(self.every)


@dataclass(frozen=True)
class Forever:
    """Sends the same bytes again and again, until the client closes the connection."""

    data: bytes
    every: float = 0.0

    async def __call__(self, wire: Wire) -> None:
        while True:
            await wire.send(self.data)
            await asyncio.sleep(self.every)


@dataclass(frozen=True)
class Stall:
    """Keeps the connection open, and does nothing with it."""

    async def __call__(self, wire: Wire) -> None:
        await asyncio.get_running_loop().create_future()


@dataclass(frozen=True)
class Pause:
    """Waits, and then goes on with the next action."""

    seconds: float

    async def __call__(self, wire: Wire) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True)
class Close:
    """Closes the connection properly, over TLS with a close_notify first."""

    async def __call__(self, wire: Wire) -> None:
        await wire.close_sending()
        wire.close()


@dataclass(frozen=True)
class Cut:
    """Closes the connection without the close_notify of TLS."""

    async def __call__(self, wire: Wire) -> None:
        wire.close()


@dataclass(frozen=True)
class Reset:
    """Resets the connection."""

    async def __call__(self, wire: Wire) -> None:
        wire.reset()


@dataclass(frozen=True)
class HalfClose:
    """Closes only the sending half of the connection, and reads until the client closes too."""

    async def __call__(self, wire: Wire) -> None:
        await wire.close_sending()
        while await wire.receive():
            pass
        wire.close()


@dataclass(frozen=True)
class Read:
    """Reads ``total`` bytes and no more: up to ``size`` at a time, with a pause after each read."""

    total: int
    size: int = 65_536
    every: float = 0.0

    async def __call__(self, wire: Wire) -> None:
        left = self.total
        while left > 0 and (data := await wire.receive(min(left, self.size))):
            left -= len(data)
            await asyncio.sleep(self.every)


@dataclass(frozen=True)
class Handshake:
    """Starts TLS, with a pause of ``every`` seconds after each byte of the handshake."""

    every: float = 0.0

    async def __call__(self, wire: Wire) -> None:
        await wire.start_tls(self.every)


@dataclass(frozen=True)
class SendRaw:
    """Sends bytes without encrypting them, in the middle of a TLS connection."""

    data: bytes

    async def __call__(self, wire: Wire) -> None:
        await wire.send_raw(self.data)


class Event(enum.Enum):
    """The event that a step responds to."""

    CONNECTION = "a client connects"
    TUNNEL = "a proxy is asked for a tunnel"
    REQUEST = "a request has arrived"


@dataclass(frozen=True)
class Step:
    """What the server does when one event happens."""

    actions: tuple[Action, ...]
    on: Event = Event.REQUEST


def on_connect(*actions: Action) -> Step:
    """Returns a step that begins when a client connects; over TLS, before the handshake."""
    return Step(actions, Event.CONNECTION)


def on_tunnel(*actions: Action | bytes) -> Step:
    """Returns a step that responds to CONNECT, as a proxy does; bytes are sent.

    Without such a step, the server accepts every CONNECT, and then plays the target of the tunnel.
    """
    return Step(on_request(*actions).actions, Event.TUNNEL)


def on_request(*actions: Action | bytes) -> Step:
    """Returns a step that begins when a request has been read; bytes are sent."""
    return Step(tuple(Send(a) if isinstance(a, bytes) else a for a in actions))


def head(
    *lines: str, status: str = "200 OK", version: str = "HTTP/1.1", end: str = "\r\n\r\n"
) -> bytes:
    """Returns the head of an answer, with these header lines and no others."""
    return ("\r\n".join([f"{version} {status}", *lines]) + end).encode("latin-1")


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    """Returns one chunk of a chunked body."""
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


def body(value: object = HIT) -> bytes:
    """Returns a value as JSON."""
    return json.dumps(value).encode()


def packed(content: bytes, encoding: str = "gzip", status: int = 200) -> bytes:
    """Returns an answer whose ``Content-Encoding`` is ``encoding``."""
    return answer(raw=content, status=status, headers={"Content-Encoding": encoding})


def error(
    status: int, detail: object = "because", headers: Mapping[str, str] | None = None
) -> bytes:
    """Returns an error as the service writes it."""
    return answer({"detail": detail}, status=status, headers=headers)


CONTENT = body()
HEAD = head(f"Content-Length: {len(CONTENT)}")
CHUNKED = head("Transfer-Encoding: chunked")
GOOD = on_request(answer())
TUNNEL = on_tunnel(head(status="200 Connection established"), Handshake())
