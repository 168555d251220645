"""Looking up the service's name: how the time is shared, without a resolver."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from call.attempts import CONNECT, StubConnections, make_attempt, sync_trace
from clients import KEY
from clock import Clock

from vectorcache._call.attempt import Attempt
from vectorcache._transport import sender
from vectorcache._transport.dns import addresses

Asked = list[tuple[str, int, float | None]]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Asked]:
    """Makes every name have so many addresses, and keeps what was asked."""

    def has(number: int) -> Asked:
        asked: Asked = []

        def find(host: str, port: int, seconds: float | None) -> int:
            asked.append((host, port, seconds))
            return number

        monkeypatch.setattr(sender, "addresses", find)
        return asked

    return has


def connect(attempt: Attempt, host: str = "cache.test", port: int = 443) -> float | None:
    """Lets httpcore say that it is about to connect; returns the seconds for each address."""
    request = attempt.request(method="post", url="/", json={}, headers={})
    limit: float | None = request.extensions["timeout"]["connect"]
    arguments = {"host": host, "port": port, "timeout": limit}
    sync_trace(attempt, StubConnections(looks_up_names=True))(CONNECT, arguments)
    assert request.extensions["timeout"]["connect"] == limit
    return arguments["timeout"]  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("timeout", "number", "each"),
    [
        (30.0, 1, 30.0),
        (30.0, 3, 10.0),
        (httpx.Timeout(30.0, connect=4.0), 3, 4.0),
        (httpx.Timeout(30.0, connect=25.0), 2, 15.0),
        (None, 3, None),
    ],
)
def test_the_addresses_share_the_time(
    resolver: Callable[[int], Asked], timeout: Any, number: int, each: float | None
) -> None:
    """All addresses of a host together take no longer than the attempt may; a limit of your own
    for connecting holds for each."""
    asked = resolver(number)
    attempt = make_attempt(timeout=timeout, deadline=None if timeout is None else 1_030.0)
    attempt.begin(None)
    assert connect(attempt) == each
    assert asked == [("cache.test", 443, None if timeout is None else 30.0)]


def test_what_it_says_during_the_look_up(resolver: Callable[[int], Asked]) -> None:
    """While the name is looked up the attempt connects, and nothing can have arrived."""
    resolver(1)
    attempt = make_attempt()
    attempt.begin(None)
    assert attempt.trace.may_have_arrived
    connect(attempt)
    assert attempt.doing == "connecting to cache.test"
    assert not attempt.trace.may_have_arrived


def test_the_name_of_a_proxy(resolver: Callable[[int], Asked]) -> None:
    """Through a proxy only the proxy's name is looked up here, and that in time, too."""
    asked = resolver(3)
    attempt = make_attempt()
    attempt.begin(None)
    assert connect(attempt, "proxy.test", 3128) == 10.0
    assert asked == [("proxy.test", 3128, 30.0)]


def test_nothing_is_looked_up_for_a_transport_of_ones_own(
    resolver: Callable[[int], Asked],
) -> None:
    """A transport that the user made may find hosts in a way of its own."""
    asked = resolver(3)
    attempt = make_attempt()
    attempt.begin(None)
    sync_trace(attempt)(CONNECT, {"host": "cache.test", "port": 443, "timeout": 30.0})
    assert asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_needs_no_look_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread is started for what is an address already."""
    monkeypatch.setattr(threading, "Thread", None)
    assert addresses(host, 80, 1.0) == 1


def test_what_a_look_up_ends_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses, a name that does not exist, an invalid name, or no answer in time."""
    known = threading.Event()

    def look_up(host: str, *_: Any, **__: Any) -> list[None]:
        match host:
            case "two.test":
                return [None, None]
            case "slow.test":
                known.wait(10)
                return []
            case "none.test":
                raise socket.gaierror(-2, "Name or service not known")
        raise UnicodeError("label too long")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert addresses("two.test", 80, None) == 2
    with pytest.raises(httpx.ConnectError, match="Name or service not known") as caught:
        addresses("none.test", 80, 10.0)
    assert isinstance(caught.value.__cause__, socket.gaierror)
    with pytest.raises(UnicodeError, match="label too long"):
        addresses("label.test", 80, 10.0)
    with pytest.raises(httpx.ConnectTimeout, match="not looked up in time"):
        addresses("slow.test", 80, 0.05)
    known.set()


def test_a_key_in_the_headers_of_an_answer() -> None:
    """What an answer's headers repeat of the key is taken out, in names and values; the rest
    stays as it is."""
    attempt = make_attempt(Clock())
    attempt.begin(None)
    headers = [("X-Echo", f"Bearer {KEY}."), (f"X-{KEY}", "1"), ("X-Other", "naïve")]
    attempt.reader(httpx.Response(200, headers=httpx.Headers(headers, encoding="latin-1")))
    assert attempt.answer_headers["x-echo"] == "Bearer [key removed]."
    assert attempt.answer_headers["x-other"] == "naïve"
    assert KEY not in str(attempt.answer_headers.raw)
    assert len(attempt.answer_headers) == 3
