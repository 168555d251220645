"""``vectorcache serve``."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from unittest.mock import MagicMock

import httpx
import pytest
from cli.conftest import CLI
from cli.programs import COMMAND, WAIT, environment

from vectorcache import VectorcacheClient
from vectorcache.cli import serve


@contextmanager
def serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program while it serves, and the address that it prints first."""
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_it_serves(cli: CLI) -> None:
    """What it prints is an address that the other commands can use; Ctrl-C ends it with 0."""
    with serving("--path", "cache.db") as (process, url):
        for hit in (False, True):
            done = cli("query", "What is ML?", "--json", "--base-url", url.strip())
            assert json.loads(done.out)["cache_hit"] is hit
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT)
    assert process.returncode == 0
    assert out == ""
    assert f"export VECTORCACHE_BASE_URL={url.strip()}" in err
    assert err.endswith("stopped\n")
    assert Path("cache.db").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_no_answer_waits_for_more(host: str) -> None:
    """Answers leave at once: Nagle's algorithm, which costs 40 ms, is off where it listens."""

    async def accepted() -> int:
        options: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def look(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            options.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with serve._listen(host, 0) as listener:
            async with await asyncio.start_server(look, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
                try:
                    return await options
                finally:
                    writer.close()
                    await writer.wait_closed()

    assert asyncio.run(accepted()) != 0


def test_json(cli: CLI) -> None:
    """``--json`` prints where it is as an object; SIGTERM ends it as Ctrl-C does."""
    with serving("--json") as (process, line):
        place = json.loads(line)
        assert place["url"] == f"http://127.0.0.1:{place['port']}"
        assert cli("query", "Q", "--base-url", place["url"]).code == 0
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=WAIT)[0] == ""
    assert process.returncode == 0


REQUEST = (
    b"POST /v1/cache/query HTTP/1.1\r\nHost: localhost\r\n"
    b"Authorization: Bearer vc_" + b"0" * 32 + b"\r\nContent-Length: 30\r\n\r\n"
)


def wait_for_earlier_requests(address: tuple[str, int]) -> None:
    """A request that came later is answered: the earlier ones have been received by then."""
    with socket.create_connection(address, timeout=WAIT) as later:
        later.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert later.recv(100).startswith(b"HTTP/1.1 404")


def wait_until_refused(address: tuple[str, int]) -> None:
    """The service takes no more connections."""
    with suppress(ConnectionError):
        while True:
            socket.create_connection(address, timeout=WAIT).close()


@pytest.mark.parametrize(
    "signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT]], ids=["once", "twice"]
)
def test_a_request_that_hangs(signals: list[signal.Signals]) -> None:
    """Stopping answers a request that hangs with 503 and prints no traceback; twice, at once."""
    with serving("--json") as (process, line):
        address = ("127.0.0.1", json.loads(line)["port"])
        with socket.create_connection(address, timeout=WAIT) as hanging:
            hanging.sendall(REQUEST + b"{")
            wait_for_earlier_requests(address)
            for number in signals:
                process.send_signal(number)
                wait_until_refused(address)  # So that no signal comes before the last is handled.
            answered = hanging.recv(1_000)
        _, err = process.communicate(timeout=WAIT)
    assert answered.startswith(b"HTTP/1.1 503")
    assert process.returncode == 0
    assert "Traceback" not in err
    assert err.endswith("stopped\n")


def test_a_file_that_stays_locked() -> None:
    """It ends although a request waits for a file that another program has locked."""
    with serving("--json", "--path", "cache.db") as (process, line):
        address = ("127.0.0.1", json.loads(line)["port"])
        locking = sqlite3.connect("cache.db", isolation_level=None)
        with closing(locking), socket.create_connection(address, timeout=WAIT) as waiting:
            locking.execute("BEGIN IMMEDIATE")
            waiting.sendall(REQUEST + b'{"prompt": "Q", "model": "m"} ')
            wait_for_earlier_requests(address)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=WAIT)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert err.endswith("stopped\n")


def test_names_it_answers_to(cli: CLI) -> None:
    """A page that reaches it by DNS rebinding is refused; --allowed-host lets a name through."""
    with serving("--allowed-host", "cache.example.com") as (process, url):
        statuses = [
            httpx.get(url.strip(), headers={"Host": host}).status_code
            for host in ("evil.example", "cache.example.com", "localhost:1")
        ]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT)
    assert statuses == [400, 404, 404]


def test_a_port_that_is_taken(cli: CLI) -> None:
    """A port in use is wrong usage, and 0 is named as the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = cli("serve", "--port", str(taken.getsockname()[1]))
    assert (done.code, done.out) == (2, "")
    assert "try another --port" in done.err


def test_a_file_of_something_else(cli: CLI) -> None:
    """A file that is not a cache is refused, and left as it is."""
    Path("notes.txt").write_text("my notes")
    done = cli("serve", "--port", "0", "--path", "notes.txt")
    assert done.code == 2
    assert "the embedded service cannot start" in done.err
    assert Path("notes.txt").read_text() == "my notes"


def test_a_damaged_file(cli: CLI) -> None:
    """A damaged cache is refused at the start, instead of a 500 for each query."""
    with VectorcacheClient.local("cache.db") as client:
        client.query("What is ML?", "gpt-4o")
    whole = Path("cache.db").read_bytes()
    Path("cache.db").write_bytes(whole[: len(whole) // 2])
    done = cli("serve", "--port", "0", "--path", "cache.db")
    assert done.code == 2
    assert "the cache file cache.db is damaged" in done.err
    assert "move it away" in done.err


def test_other_machines(monkeypatch: pytest.MonkeyPatch, cli: CLI) -> None:
    """If other machines can reach it, it warns that no key is checked."""
    everywhere = MagicMock()
    everywhere.__enter__().getsockname.return_value = ("0.0.0.0", 8000)
    monkeypatch.setattr(serve, "_listen", lambda host, port: everywhere)
    monkeypatch.setattr(serve, "_run", lambda application, listener: None)
    done = cli("serve", "--host", "0.0.0.0", "--json")
    assert done.code == 0
    assert "checks no keys" in done.err
    assert json.loads(done.out)["url"] == "http://127.0.0.1:8000"
