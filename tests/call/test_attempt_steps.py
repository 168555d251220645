"""An attempt's share of the call's time, its request and its account to others."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from call.attempts import (
    ANSWERED,
    CONNECT,
    CONNECTED,
    SEND,
    Stream,
    StubConnections,
    async_trace,
    facts,
    make_attempt,
    sync_trace,
)
from clock import Clock

from vectorcache._call.network_errors import exception_to_raise


@pytest.mark.parametrize(
    ("timeout", "deadline", "seconds"),
    [
        (30.0, None, None),
        (30.0, 1_005.0, 5.0),
        (None, 1_005.0, 5.0),
        (httpx.Timeout(30, pool=2), None, 2.0),
        (httpx.Timeout(30, pool=2), 1_005.0, 2.0),
        (httpx.Timeout(30, pool=9), 1_005.0, 5.0),
        (httpx.Timeout(30, pool=None), 1_005.0, 5.0),
    ],
)
def test_how_long_it_may_wait_for_a_connection(
    timeout: Any, deadline: float | None, seconds: float | None
) -> None:
    """Until the call's deadline, or for as long as its timeout's ``pool`` says if that is less."""
    assert make_attempt(timeout=timeout, deadline=deadline).time.seconds_to_queue == seconds


@pytest.mark.parametrize("begun", [True, False])
def test_it_is_ended(begun: bool) -> None:
    """An attempt that another thread ends has no more time, whether it had begun or not."""
    clock, woken = Clock(), []
    attempt = make_attempt(clock, timeout=None)
    attempt.wake = lambda: woken.append(clock.now)
    if begun:
        attempt.begin(None)
    clock.now += 3
    attempt.end_now()
    assert woken == [1_003.0]
    if not begun:
        attempt.begin(None)
    assert (attempt.time.ends, attempt.time.expired, attempt.time.seconds_left) == (
        1_003.0,
        True,
        0.0,
    )


@pytest.mark.parametrize(("timeout", "spent"), [(None, 7.0), (5.0, 5.0), (9.0, 7.0)])
def test_the_seconds_it_spent(timeout: float | None, spent: float) -> None:
    """They count from its connection, and no further than its own end."""
    clock = Clock()
    attempt = make_attempt(clock, timeout=timeout)
    clock.now += 100
    attempt.begin(None)
    clock.now += 7
    assert attempt.time.seconds_spent == spent


def test_the_request() -> None:
    """It carries the body as it is, the key, and the headers of both."""
    attempt = make_attempt(headers={"X-Own": "1"})
    attempt.begin(None)
    request = attempt.request(
        method="post", url="v1/x", json={"prompt": "süß"}, headers={"X-More": "2"}
    )
    assert b"".join(request.stream) == '{"prompt":"süß"}'.encode()  # type: ignore[arg-type]
    assert request.headers["content-length"] == "18"
    assert request.headers["authorization"].startswith("Bearer vc_")
    assert (request.headers["x-own"], request.headers["x-more"]) == ("1", "2")
    assert attempt.line == "POST v1/x"


def test_it_is_watched_once_a_connection_is_used() -> None:
    """The watchdog hears of an attempt with the first of its events, and once."""
    connections = StubConnections()
    attempt = make_attempt()
    attempt.begin(None)
    trace = sync_trace(attempt, connections)
    assert connections.watched == []
    for event in (CONNECT, CONNECTED.replace("connection", "x"), SEND, ANSWERED):
        trace(event, facts(event))
    assert connections.watched == [attempt]


def test_a_connection_that_comes_too_late() -> None:
    """It is closed at once, and used for nothing."""
    clock, stream = Clock(), Stream()
    attempt = make_attempt(clock, timeout=5)
    attempt.begin(None)
    trace = sync_trace(attempt)
    trace(CONNECT, facts(CONNECT))
    clock.now += 5
    with pytest.raises(httpx.ConnectTimeout, match="connected too late"):
        trace(CONNECTED, {"return_value": stream})
    assert stream.closed


@pytest.mark.parametrize(
    ("event", "error", "raised"),
    [
        ("connection.connect_tcp.failed", ValueError("empty"), True),
        ("connection.connect_tcp.failed", UnicodeError("bad name"), False),
        ("connection.connect_tcp.failed", OSError("refused"), False),
        ("connection.start_tls.failed", ValueError("other"), False),
    ],
)
def test_a_name_without_addresses(event: str, error: Exception, raised: bool) -> None:
    """A task is told what is wrong, and not by the error that this is for anyio."""

    async def follow() -> None:
        await async_trace(make_attempt())(event, {"exception": error})

    if not raised:
        asyncio.run(follow())
        return
    with pytest.raises(httpx.ConnectError, match="address"):
        asyncio.run(follow())


def test_nothing_is_known_of_an_answer_yet() -> None:
    """A new attempt has no answer, and can be ended at once."""
    attempt = make_attempt()
    assert (attempt.line, attempt.status_code, attempt.request_id) == ("", None, None)
    assert attempt.limit_headers == {}
    attempt.end_now()
    assert attempt.time.expired


def test_a_failed_connection_is_left_to_httpcore() -> None:
    """What the network itself raised is not raised where its end is traced."""
    attempt = make_attempt()
    attempt.begin(None)
    trace = sync_trace(attempt)
    trace(CONNECT, facts(CONNECT))
    trace("connection.connect_tcp.failed", {"exception": ConnectionRefusedError()})
    assert attempt.trace.step == "connecting to cache.test"


def test_an_answer_that_goes_on_after_its_time() -> None:
    """What had arrived when the time was up may be read for a tenth of a second, and no longer."""
    clock = Clock()
    attempt = make_attempt(clock, timeout=5.0)
    attempt.begin(None)
    clock.now += 4
    attempt.time.refuse_more_if_late()
    clock.now += 60
    attempt.time.refuse_more_if_late()
    clock.now += 0.09
    attempt.time.refuse_more_if_late()
    clock.now += 0.02
    with pytest.raises(httpx.ReadTimeout, match=r"^the answer had not ended$"):
        attempt.time.refuse_more_if_late()


@pytest.mark.parametrize(("read", "kept"), [(2.0, 2.0), (5.0, None), (9.0, None)])
def test_the_time_limit_for_a_task(read: float, kept: float | None) -> None:
    """A sender gets the seconds left for the whole; only steps with shorter limits keep them."""
    clock = Clock()
    timeout = httpx.Timeout(None, read=read)
    attempt = make_attempt(clock, timeout=timeout, deadline=1_005.0)
    attempt.begin(None)
    clock.now += 1
    assert attempt.time.overall_limit() == 4.0
    assert attempt.time.timeouts == {"connect": None, "read": kept, "write": None, "pool": None}


@pytest.mark.parametrize("began", [1_000.1, 1_234.5678, 23_000.123])
def test_a_time_limit_is_not_rounded(began: float) -> None:
    """A step that may take as long as the whole attempt has no limit of its own, at any time."""
    clock = Clock()
    clock.now = began
    attempt = make_attempt(clock, timeout=0.4)
    attempt.begin(None)
    assert attempt.time.overall_limit() == pytest.approx(0.4)
    assert attempt.time.timeouts == {"connect": None, "read": None, "write": None}


def test_no_time_limit_for_a_task() -> None:
    """An attempt without an end leaves each step the limit that it has."""
    attempt = make_attempt(timeout=httpx.Timeout(None, read=9.0))
    attempt.begin(None)
    assert attempt.time.overall_limit() is None
    assert attempt.time.timeouts["read"] == 9.0


def test_what_a_rate_limit_gets_of_a_failed_attempt() -> None:
    """Of a failed answer's headers, those that tell of the limit are kept, and no others."""
    attempt = make_attempt()
    attempt.begin(None)
    headers = {"X-RateLimit-Remaining": "0", "Retry-After": "7", "Server": "x"}
    attempt.reader(httpx.Response(503, headers=headers))
    request = httpx.Request("POST", "https://cache.test")
    exception_to_raise(httpx.ReadError("reset"), attempt, request)
    assert attempt.limit_headers == {"retry-after": "7", "x-ratelimit-remaining": "0"}
