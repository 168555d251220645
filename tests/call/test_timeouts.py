"""How long a call may take, whatever the server does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from clients import KEY, MakeClient
from servers import ScriptedServer, Step, drip

from vectorcache import APITimeoutError, VectorcacheClient

# What the deadline may be missed by, on a machine that is busy with other things.
SLACK = 0.3


@pytest.fixture
def until_the_end() -> Iterator[threading.Event]:
    """Set when the test is over, for servers that have nothing better to do."""
    event = threading.Event()
    yield event
    event.set()


def silence(over: threading.Event) -> Step:
    def step(connection: socket.socket) -> None:
        over.wait(30)

    return step


def test_steps_may_have_their_own_limits(
    make_client: MakeClient, server: ScriptedServer, until_the_end: threading.Event
) -> None:
    """An httpx.Timeout holds for each step, as httpx users know it."""
    server.script = [silence(until_the_end)]
    with pytest.raises(APITimeoutError, match="waiting for the answer"):
        make_client(timeout=httpx.Timeout(10, read=0.1)).query("Q", "m", max_retries=0)


def test_no_limits_at_all(make_client: MakeClient) -> None:
    """None means that a call may take as long as it takes."""
    client = make_client(timeout=None, deadline=None)
    assert client.query("Q", "m").cache_hit


def test_a_connection_made_too_late(
    server: ScriptedServer, until_the_end: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that connects past its limit ends there, and is not lost to a slow server then."""
    connect = socket.create_connection

    def connect_late(*arguments: Any, **options: Any) -> socket.socket:
        until_the_end.wait(0.6)
        return connect(*arguments, **options)

    monkeypatch.setattr(socket, "create_connection", connect_late)
    server.default = drip(until_the_end)
    started = time.monotonic()
    with (
        VectorcacheClient(KEY, server.url, timeout=0.3, max_retries=0) as client,
        pytest.raises(APITimeoutError, match="connecting"),
    ):
        client.query("Q", "m")
    assert time.monotonic() - started < 0.6 + SLACK


def test_the_watchdog_is_one_thread(server: ScriptedServer) -> None:
    """Any number of calls cost one thread of ours, which keeps no program from ending."""
    before = set(threading.enumerate())
    with VectorcacheClient(KEY, server.url) as client, ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda n: client.query(f"Q{n}", "m"), range(100)))
        ours = {t for t in threading.enumerate() if t.name == "vectorcache-watchdog"} - before
        assert [thread.daemon for thread in ours] == [True]
