"""Attempts without a network: httpcore's account of where a request is, told by a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

import httpx
from clients import KEY
from clock import Clock

from vectorcache import VectorcacheClient
from vectorcache._call.attempt import Attempt
from vectorcache._call.failure import AttemptFailed, Failure
from vectorcache._call.network_errors import exception_to_raise
from vectorcache._transport.sender import AsyncSender, Sender

Trace: TypeAlias = Callable[[str, dict[str, Any]], Any]

URL = "https://cache.test/below"

# httpcore's events, in the order they happen.
CONNECT = "connection.connect_tcp.started"
CONNECTED = "connection.connect_tcp.complete"
SEND = "http11.send_request_headers.started"
SENT = "http11.send_request_body.complete"
ANSWERED = "http11.receive_response_headers.complete"
IN_TLS = "proxy.start_tls.complete"

SENDING = [CONNECT, CONNECTED, SEND]
SENT_ALL = [*SENDING, SENT]


class Stream:
    """What httpcore calls a connection's network stream."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def make_attempt(
    clock: Callable[[], float] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float | httpx.Timeout | None = 30.0,
    deadline: float | None = None,
    url: str = URL,
    **options: Any,
) -> Attempt:
    with VectorcacheClient(KEY, url, **options) as client:
        return Attempt(
            client._settings,
            headers or {},
            timeout=timeout,
            deadline=deadline,
            clock=clock or Clock(),
        )


def facts(event: str) -> dict[str, Any]:
    """What httpcore tells with an event."""
    told: dict[str, dict[str, Any]] = {
        CONNECT: {"host": "cache.test", "port": 443},
        SEND: {"request": SimpleNamespace(method=b"POST")},
    }
    return told.get(event, {"return_value": None})


class StubConnections:
    """Stands for the connections of a sender whose trace is tested."""

    def __init__(self, *, looks_up_names: bool = False) -> None:
        self.looks_up_names = looks_up_names
        self.watched: list[Attempt] = []

    def watch(self, attempt: Attempt) -> None:
        self.watched.append(attempt)


def sync_trace(attempt: Attempt, connections: StubConnections | None = None) -> Trace:
    """Returns what httpcore calls for each event of a thread's request."""
    return Sender(attempt, cast(Any, connections or StubConnections()))._trace


def async_trace(attempt: Attempt) -> Trace:
    """Returns what httpcore calls for each event of a task's request."""
    return AsyncSender(attempt, cast(Any, StubConnections()))._trace


def tell(attempt: Attempt, *events: str) -> None:
    for event in events:
        attempt.trace.follow(event, facts(event))


def attempt_after(*events: str, seconds: float = 0.0) -> Attempt:
    """An attempt that began ``seconds`` ago, and got as far as httpcore's events say."""
    clock = Clock()
    attempt = make_attempt(clock)
    attempt.begin(None)
    tell(attempt, *events)
    clock.now += seconds
    return attempt


def request_of(attempt: Attempt, body: Any = None, **headers: str) -> httpx.Request:
    return attempt.request(method="post", url="/v1/cache/query", json=body, headers=headers)


def failure_of(attempt: Attempt, error: Exception) -> Failure:
    failed = exception_to_raise(error, attempt, request_of(attempt))
    assert isinstance(failed, AttemptFailed)
    return failed.failure
