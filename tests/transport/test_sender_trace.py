"""What a sender does while httpcore reports the steps of a request."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from call.attempts import (
    ANSWERED,
    CONNECT,
    CONNECTED,
    IN_TLS,
    SEND,
    SENT,
    Stream,
    StubConnections,
    async_trace,
    facts,
    make_attempt,
    sync_trace,
    tell,
)
from clock import Clock


@pytest.mark.parametrize("connected", [CONNECTED, IN_TLS])
def test_a_connection_made_too_late_is_closed(connected: str) -> None:
    """A thread that connects past its limit ends there; in time, it goes on."""
    clock, stream = Clock(), Stream()
    attempt = make_attempt(clock)
    attempt.begin(None)
    tell(attempt, CONNECT)
    assert attempt.doing == "connecting to cache.test"
    trace = sync_trace(attempt)
    trace(connected, {"return_value": stream})
    assert attempt.trace.network_stream is stream
    assert not stream.closed
    clock.now += 30
    tell(attempt, SEND)
    with pytest.raises(httpx.ConnectTimeout, match=r"^connected too late$"):
        trace(connected, {"return_value": stream})
    assert stream.closed


async def test_tasks_follow_the_same_account() -> None:
    """The attempt of a task knows how far its request got, too."""
    attempt = make_attempt()
    attempt.begin(None)
    trace = async_trace(attempt)
    assert attempt.trace.may_have_arrived  # Nothing has been reported.
    await trace(SEND, facts(SEND))
    assert attempt.doing == "sending the request to cache.test"
    assert not attempt.trace.may_have_arrived
    assert attempt.trace.over_idle_connection
    await trace(SENT, facts(SENT))
    assert attempt.trace.may_have_arrived
    assert not attempt.trace.answered
    await trace(ANSWERED, facts(ANSWERED))
    assert attempt.trace.answered


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


def test_a_failed_connection_is_left_to_httpcore() -> None:
    """What the network itself raised is not raised where its end is traced."""
    attempt = make_attempt()
    attempt.begin(None)
    trace = sync_trace(attempt)
    trace(CONNECT, facts(CONNECT))
    trace("connection.connect_tcp.failed", {"exception": ConnectionRefusedError()})
    assert attempt.trace.step == "connecting to cache.test"
