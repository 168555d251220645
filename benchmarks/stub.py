"""A service as fast as Python makes one: answers every request at once with the same hit.

python benchmarks/stub.py     prints its port, and ends when its input does
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator

_HIT = {
    "cache_hit": True,
    "response": "Machine learning is the study of programs that improve with data. " * 4,
    "similarity_score": 0.94,
    "cost_saved": 0.0023,
    "llm_provider": "cache",
}
_BODY = json.dumps(_HIT).encode()
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"X-RateLimit-Limit: 1000\r\nX-RateLimit-Remaining: 999\r\nX-RateLimit-Reset: 1900000000\r\n"
    b"X-Request-Id: 8f2c1d\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY


class _Service(asyncio.Protocol):
    def __init__(self) -> None:
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
            if len(rest) < length:
                return
            self._data = rest[length:]
            self._transport.write(_ANSWER)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Service, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextlib.contextmanager
def running(*program: str) -> Iterator[str]:
    """Runs the service in a process of its own, and yields its URL.

    Args:
        program: a file and its arguments, which prints its port and ends when its input does. By
            default this file.
    """
    with subprocess.Popen(
        [sys.executable, *(program or [__file__])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()


if __name__ == "__main__":
    asyncio.run(_serve())
