"""A process that is frozen past its timeout, as by a laptop's lid or a container's pause."""

from __future__ import annotations

import os
import signal
import socket
import threading

import pytest
from lifetimes.echo import EchoServer
from lifetimes.programs import run
from servers import answer

SYNC = """
with VectorcacheClient(KEY, URL, timeout=0.4, max_retries=0) as client:
    client.query("first", "m", timeout=10)
    print(client.query(str(os.getpid()), "m").response, file=sys.stderr)
"""
ASYNC = """
async def main():
    async with AsyncVectorcacheClient(KEY, URL, timeout=0.4, max_retries=0) as client:
        await client.query("first", "m", timeout=10)
        print((await client.query(str(os.getpid()), "m")).response, file=sys.stderr)
"""
PROGRAMS = {
    "sync": SYNC,
    "asyncio": ASYNC + "asyncio.run(main())",
}


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows has no such signal")
@pytest.mark.parametrize("arrived", [0, 60, 200], ids=["nothing", "part of head", "part of body"])
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_an_answer_that_has_arrived_is_taken(
    server: EchoServer, program: str, arrived: int
) -> None:
    """What came in time, or while nothing could run, is not thrown away as late."""

    def freeze(connection: socket.socket) -> None:
        process = int(server.requests[-1].json()["prompt"])
        whole = answer()
        connection.sendall(whole[:arrived])
        passed = threading.Event()
        passed.wait(0.1)
        os.kill(process, signal.SIGSTOP)
        connection.sendall(whole[arrived:])
        passed.wait(0.6)
        os.kill(process, signal.SIGCONT)
        passed.wait(0.2)

    server.script = [answer(), freeze]
    assert run(program, server.url, warnings=()) == "Machine learning is ...\n"
