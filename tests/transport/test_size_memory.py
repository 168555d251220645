"""What a large answer costs in memory, seen from outside the process that receives it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from servers import ScriptedServer, Step, answer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BOMB = 200_000_000
LIMIT = 40_000_000


def packed(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1_000_000)
    return b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()


def endless(connection: socket.socket) -> None:
    """Sends chunks until the client stops reading."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + bytes(65_536) + b"\r\n")


@pytest.mark.parametrize("client_kind", ["sync", "async"])
@pytest.mark.parametrize("kind", ["gzip bomb", "endless"])
def test_what_is_too_large_costs_less_than_40_mb(
    server: ScriptedServer, client_kind: str, kind: str
) -> None:
    """200 MB packed in 200 kB, or an answer without end, is refused for less than 40 MB."""
    bomb = answer(raw=packed(BOMB), headers={"Content-Encoding": "gzip"})
    assert len(bomb) < 300_000
    step: Step = bomb if kind == "gzip bomb" else endless
    server.script = [answer(), step]
    program = Path(__file__).with_name("peak_memory.py")
    ended = subprocess.run(
        [sys.executable, program, server.url, client_kind],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    assert len(server.requests) == 2
    assert int(ended.stdout) < LIMIT
