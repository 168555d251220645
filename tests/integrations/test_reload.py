"""An application whose code changes while it runs, under uvicorn's reloader."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import pytest
from clients import KEY
from servers import ScriptedServer

pytestmark = pytest.mark.repository

PROGRAM = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from vectorcache.integrations.fastapi import VectorcacheDep, vectorcache_lifespan

lifespan_of_client = vectorcache_lifespan(model="m")

@asynccontextmanager
async def lifespan(app):
    async with lifespan_of_client(app) as state:
        print("made", flush=True)
        yield state
    print("closed" if app.state.vectorcache.closed else "open", flush=True)

app = FastAPI(lifespan=lifespan)

@app.get("/")
async def query(client: VectorcacheDep):
    return await client.query("Q")
"""


class Reloading:
    """A server, whose output is read line by line."""

    def __init__(self, process: subprocess.Popen[str], program: Path, port: int) -> None:
        self.port = port
        self._said: list[str] = []
        self._program = program
        self._process = process
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def read_until(self, pattern: str, *, touching: bool = False) -> str:
        """Returns the group of the pattern in the first line that matches it."""
        while True:
            try:
                line = self._lines.get(timeout=2)
            except Empty:
                if touching:  # The reloader may not have looked before the first change.
                    os.utime(self._program)
                continue
            self._said.append(line)
            if found := re.search(pattern, line):
                return found[1]

    def end(self) -> str:
        """Returns the whole output."""
        self._process.terminate()
        self._process.wait(30)
        self._reader.join(30)
        while not self._lines.empty():
            self._said.append(self._lines.get())
        return "".join(self._said)


@pytest.fixture
def reloading(tmp_path: Path, server: ScriptedServer) -> Iterator[Reloading]:
    program = tmp_path / "main.py"
    program.write_text(PROGRAM)
    environment = {
        **os.environ,
        "VECTORCACHE_API_KEY": KEY,
        "VECTORCACHE_BASE_URL": server.url,
        "PYTHONWARNINGS": "default",
    }
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "main:app", "--reload"),
                *("--fd", str(listening.fileno())),
            ],
            cwd=tmp_path,
            env=environment,
            pass_fds=[listening.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        running = Reloading(process, program, listening.getsockname()[1])
        try:
            yield running
        finally:
            running.end()


def test_a_reload(reloading: Reloading, server: ScriptedServer, tmp_path: Path) -> None:
    """A reload closes the old client and makes a new one, without warnings."""

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", reloading.port, timeout=30)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()

    reloading.read_until("(made)")
    ask()
    os.utime(tmp_path / "main.py")
    assert reloading.read_until("(closed|open)", touching=True) == "closed"
    reloading.read_until("(made)")
    ask()
    assert server.connections == 2
    said = reloading.end()
    # The server does not close its listening socket itself.
    assert not re.search(rf"Warning: (?!Enable|.*laddr=.*, {reloading.port}\))", said), said
