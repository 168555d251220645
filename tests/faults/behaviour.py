"""What a server can do to a client, in small pieces that a scenario strings together.

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

# Often enough to keep every read timeout happy.
EVERY = 0.02

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
    every: float = EVERY

    async def __call__(self, wire: Wire) -> None:
        for byte in self.data:
            await wire.send(bytes([byte]))
            await asyncio.sleep(self.every)


@dataclass(frozen=True)
class Forever:
    """Sends the same again and again, until the client hangs up."""

    data: bytes
    every: float = 0.0

    async def __call__(self, wire: Wire) -> None:
        while True:
            await wire.send(self.data)
            await asyncio.sleep(self.every)


@dataclass(frozen=True)
class Stall:
    """Does nothing more, and keeps the connection."""

    async def __call__(self, wire: Wire) -> None:
        await asyncio.get_running_loop().create_future()


@dataclass(frozen=True)
class Pause:
    """Waits."""

    seconds: float

    async def __call__(self, wire: Wire) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True)
class Close:
    """Ends the connection in good order: TLS's goodbye, then TCP's."""

    async def __call__(self, wire: Wire) -> None:
        await wire.say_goodbye()
        wire.close()


@dataclass(frozen=True)
class Cut:
    """Ends the connection without TLS's goodbye."""

    async def __call__(self, wire: Wire) -> None:
        wire.close()


@dataclass(frozen=True)
class Reset:
    """Resets the connection."""

    async def __call__(self, wire: Wire) -> None:
        wire.reset()


@dataclass(frozen=True)
class HangUpAndListen:
    """Ends the sending half only, and reads on to the end."""

    async def __call__(self, wire: Wire) -> None:
        await wire.say_goodbye()
        while await wire.receive():
            pass
        wire.close()


@dataclass(frozen=True)
class Read:
    """Reads so many bytes and no more, at most ``size`` at once and with a pause after each."""

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
    """Starts TLS, so many seconds a byte."""

    every: float = 0.0

    async def __call__(self, wire: Wire) -> None:
        await wire.start_tls(self.every)


@dataclass(frozen=True)
class SendRaw:
    """Sends bytes past TLS."""

    data: bytes

    async def __call__(self, wire: Wire) -> None:
        await wire.send_raw(self.data)


class On(enum.Enum):
    """What a step is an answer to."""

    CONNECTION = "somebody connects"
    TUNNEL = "a proxy is asked for a tunnel"
    REQUEST = "a request has arrived"


@dataclass(frozen=True)
class Step:
    """What the server does about one request, or before it reads any."""

    actions: tuple[Action, ...]
    on: On = On.REQUEST


def on_connect(*actions: Action) -> Step:
    """What the server does as soon as somebody connects; over TLS, before the handshake."""
    return Step(actions, On.CONNECTION)


def on_tunnel(*actions: Action | bytes) -> Step:
    """What the server, as a proxy, does about CONNECT; else it becomes what it should lead to."""
    return Step(on_request(*actions).actions, On.TUNNEL)


def on_request(*actions: Action | bytes) -> Step:
    """What the server does once it has read a request; bytes are sent."""
    return Step(tuple(Send(a) if isinstance(a, bytes) else a for a in actions))


def head(
    *lines: str, status: str = "200 OK", version: str = "HTTP/1.1", end: str = "\r\n\r\n"
) -> bytes:
    """The head of an answer, with these header lines and no others."""
    return ("\r\n".join([f"{version} {status}", *lines]) + end).encode("latin-1")


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


def body(value: object = HIT) -> bytes:
    return json.dumps(value).encode()


def packed(content: bytes, encoding: str = "gzip", status: int = 200) -> bytes:
    """An answer that says its content is encoded so."""
    return answer(raw=content, status=status, headers={"Content-Encoding": encoding})


def error(
    status: int, detail: object = "because", headers: Mapping[str, str] | None = None
) -> bytes:
    return answer({"detail": detail}, status=status, headers=headers)


CONTENT = body()
HEAD = head(f"Content-Length: {len(CONTENT)}")
CHUNKED = head("Transfer-Encoding: chunked")
GOOD = on_request(answer())
TUNNEL = on_tunnel(head(status="200 Connection established"), Handshake())
