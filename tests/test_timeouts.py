"""How long a call may take, whatever the server does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from clients import KEY, AnyClient, MakeClient
from servers import ScriptedServer, Step, answer, drip

from vectorcache import APIConnectionError, APITimeoutError, VectorcacheClient

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


HEAD = answer(raw=1_000 * b" ").partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def slow_ways() -> list[tuple[str, Callable[[threading.Event], Step]]]:
    return [
        ("no byte at all", silence),
        ("the head a byte at a time", drip),
        ("the body a byte at a time", lambda over: drip(over, HEAD)),
    ]


@pytest.mark.parametrize(
    "way", [way for _, way in slow_ways()], ids=[name for name, _ in slow_ways()]
)
@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "used connection"])
@pytest.mark.parametrize(
    "options",
    [{"deadline": 0.4}, {"deadline": 10, "timeout": 0.4, "max_retries": 0}],
    ids=["deadline", "timeout"],
)
def test_limits_hold(
    client: AnyClient,
    server: ScriptedServer,
    until_the_end: threading.Event,
    way: Callable[[threading.Event], Step],
    warm: bool,
    options: dict[str, float],
) -> None:
    """Deadline and timeout hold however the answer is held back, on new and used connections."""
    if warm:
        client.query("Q", "m")
    server.default = way(until_the_end)
    started = time.monotonic()
    with pytest.raises(APITimeoutError, match=r"timed out after 0\.[0-9]+ s while") as caught:
        client.query("Q", "m", **options)
    assert 0.39 < time.monotonic() - started < 0.4 + SLACK
    assert isinstance(caught.value, TimeoutError)


def test_the_deadline_covers_all_attempts(
    client: AnyClient, server: ScriptedServer, until_the_end: threading.Event
) -> None:
    """Attempts, the waits between them and the last answer share one deadline."""
    server.script = [
        answer(status=500),
        answer(status=429, headers={"Retry-After": "0.2"}),
        silence(until_the_end),
    ]
    started = time.monotonic()
    with pytest.raises(APITimeoutError, match="3 attempts") as caught:
        client.query("Q", "m", deadline=0.6)
    assert 0.59 < time.monotonic() - started < 0.6 + SLACK
    assert "before that: 500 internal server error; 429 rate" in str(caught.value)


def test_a_timeout_is_repeated_once(
    client: AnyClient, server: ScriptedServer, until_the_end: threading.Event
) -> None:
    """An attempt that timed out may have been paid for, so it is repeated once."""
    server.script = [silence(until_the_end)]
    assert client.query("Q", "m", timeout=0.2).meta.attempts == 2
    server.script = [silence(until_the_end)] * 2
    with pytest.raises(
        APITimeoutError, match=r"timed out after 0\.2 s.*repeated only once, [^:]*\)"
    ):
        client.query("Q", "m", timeout=0.2)


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


@pytest.mark.parametrize(
    ("cut", "arrived"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Le", "waiting for the answer"),
        (HEAD, "0 of 1,000 bytes arrived"),
        (HEAD + 400 * b" ", "400 of 1,000 bytes arrived"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
            "5 bytes arrived",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", "0 bytes arrived"),
    ],
)
def test_an_answer_that_is_cut_off(
    make_client: MakeClient, server: ScriptedServer, cut: bytes, arrived: str
) -> None:
    """A broken answer is asked for once more; then the error says how far it got."""

    def step(connection: socket.socket) -> None:
        connection.sendall(cut)

    server.script = [step]
    assert make_client().query("Q", "m").meta.attempts == 2
    server.script = [step, step]
    with pytest.raises(APIConnectionError, match=arrived) as caught:
        make_client().query("Q", "m")
    assert caught.value.attempts == 2
    assert caught.value.__cause__ is not None


def test_the_watchdog_is_one_thread(server: ScriptedServer) -> None:
    """Any number of calls cost one thread of ours, which keeps no program from ending."""
    before = set(threading.enumerate())
    with VectorcacheClient(KEY, server.url) as client, ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda n: client.query(f"Q{n}", "m"), range(100)))
        ours = {t for t in threading.enumerate() if t.name == "vectorcache-watchdog"} - before
        assert [thread.daemon for thread in ours] == [True]
