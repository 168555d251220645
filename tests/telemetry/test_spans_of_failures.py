"""The span of a call that fails, that its caller gives up, or that cannot be recorded."""

from __future__ import annotations

import contextvars
import logging
import socket
import threading
from typing import Any

import anyio
import httpx
import pytest
from clients import KEY, MakeClient
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import StatusCode
from servers import ScriptedServer, Step, answer, hang_up
from telemetry.recorded import Recorded

from vectorcache import (
    AsyncVectorcacheClient,
    CircuitBreaker,
    FinishedCall,
    ObservedCall,
    Query,
    VectorcacheClient,
    VectorcacheError,
)
from vectorcache.telemetry import OpenTelemetryObserver

QUERY = Query("Q", "m", 0.85)


def test_failed_attempts_are_events(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded
) -> None:
    """The event of a failed attempt has its number, its error and the wait for the next one."""
    boom = answer({"detail": "boom"}, status=500, headers={"X-Request-Id": "8f2c"})
    server.script = [hang_up, boom]
    make_client(observers=[recorded.observer()]).query("Q", "m")
    span = recorded.span
    assert [(event.name, dict(event.attributes or {})) for event in span.events] == [
        (
            "vectorcache.attempt_failed",
            {
                "vectorcache.attempt": 1,
                "error.type": "APIConnectionError",
                "vectorcache.retry_in": 0.0,
            },
        ),
        (
            "vectorcache.attempt_failed",
            {
                "vectorcache.attempt": 2,
                "error.type": "InternalServerError",
                "http.response.status_code": 500,
                "vectorcache.request_id": "8f2c",
                "vectorcache.retry_in": 0.0,
            },
        ),
    ]
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in (span.attributes or {})
    assert (span.attributes or {})["vectorcache.attempts"] == 3


def silent(connection: socket.socket) -> None:
    connection.recv(1)


# How a call fails → what the server does, the client's options, the class of error, the status.
FAILURES: dict[str, tuple[Step, dict[str, Any], str, int | None]] = {
    "bad request": (answer({"detail": "no"}, status=400), {}, "BadRequestError", 400),
    "no key": (answer({"detail": "no"}, status=401), {}, "AuthenticationError", 401),
    "rate limit": (answer({"detail": "no"}, status=429), {}, "RateLimitError", 429),
    "quota": (
        answer({"current_usage": 1, "monthly_limit": 1}, status=429),
        {},
        "QuotaExceededError",
        429,
    ),
    "outage": (answer({"detail": "no"}, status=503), {}, "ServiceUnavailableError", 503),
    "no JSON": (answer(raw=b"<p>Hello</p>"), {}, "APIResponseError", 200),
    "cut off": (hang_up, {}, "APIConnectionError", None),
    "no server": (hang_up, {"base_url": "http://127.0.0.1:9"}, "APIConnectionError", None),
    "too late": (silent, {"timeout": 0.05, "max_retries": 0}, "APITimeoutError", None),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_call(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded, failure: str
) -> None:
    """The span of a failed call has the status ERROR and the class of ``client.stats.errors``."""
    server.default, options, name, status = FAILURES[failure]
    client = make_client(observers=[recorded.observer()], **options)
    with pytest.raises(VectorcacheError):
        client.query("Q", "m")
    span = recorded.span
    attributes = dict(span.attributes or {})
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert attributes["error.type"] == name
    assert list(client.stats.errors) == [name]
    assert attributes["vectorcache.outcome"] == "failed"
    assert attributes.get("http.response.status_code") == status
    assert "vectorcache.cache_hit" not in attributes
    last = span.events[-1].attributes or {}
    assert last["vectorcache.attempt"] == attributes["vectorcache.attempts"]
    assert "vectorcache.retry_in" not in last


def test_an_open_circuit(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded
) -> None:
    """A call that sends no request has a span without attempts."""
    server.default = answer({"detail": "no"}, status=500)
    client = make_client(
        observers=[recorded.observer()],
        circuit_breaker=CircuitBreaker(failures=1, reset_after=60.0),
        max_retries=0,
    )
    for _ in range(2):
        with pytest.raises(VectorcacheError):
            client.query("Q", "m")
    attributes = recorded.spans[1].attributes or {}
    assert attributes["error.type"] == "CircuitOpenError"
    assert attributes["vectorcache.attempts"] == 0
    assert recorded.spans[1].events == ()


def test_the_clients_own_rate_limit(make_client: MakeClient, recorded: Recorded) -> None:
    """A call whose deadline comes before its turn has a span without attempts."""
    client = make_client(observers=[recorded.observer()], rate_limit="1/hour", deadline=5.0)
    client.query("Q", "m")
    with pytest.raises(VectorcacheError):
        client.query("Q", "m")
    attributes = recorded.spans[1].attributes or {}
    assert attributes["error.type"] == "APITimeoutError"
    assert attributes["vectorcache.attempts"] == 0


def test_a_fallback(make_client: MakeClient, server: ScriptedServer, recorded: Recorded) -> None:
    """A call that the fallback answers has succeeded; its span names the first error."""
    server.default = answer({"detail": "no"}, status=503)
    client = make_client(
        observers=[recorded.observer()], fallback=lambda *_: "from elsewhere", max_retries=0
    )
    client.query("Q", "m")
    span = recorded.span
    assert span.status.status_code is StatusCode.UNSET
    assert len(span.events) == 1
    attributes = dict(span.attributes or {})
    assert "error.type" not in attributes
    assert attributes["vectorcache.outcome"] == "fallback"
    assert attributes["vectorcache.fallback_for"] == "ServiceUnavailableError"
    assert attributes["vectorcache.llm_provider"] == "fallback"
    assert attributes["http.response.status_code"] == 503


def test_a_fallback_that_fails(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded
) -> None:
    """The error of a fallback is on the span by its class only, as its message may quote."""

    def fallback(prompt: str, model: str, context: str | None) -> str:
        raise ZeroDivisionError("my own words")

    server.default = answer({"detail": "no"}, status=422)
    client = make_client(observers=[recorded.observer(record_content=True)], fallback=fallback)
    with pytest.raises(ZeroDivisionError):
        client.query("Q", "m")
    assert (recorded.span.attributes or {})["error.type"] == "ZeroDivisionError"
    assert "my own words" not in recorded.everything()


async def test_a_cancelled_call(server: ScriptedServer, recorded: Recorded) -> None:
    """The span of a cancelled task's call ends, and does not count as failed."""
    arrived, over = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        arrived.set()
        over.wait(10)

    server.default = wait
    async with AsyncVectorcacheClient(KEY, server.url, observers=[recorded.observer()]) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.query, "Q", "m")
            await anyio.to_thread.run_sync(arrived.wait, 10)
            tasks.cancel_scope.cancel()
        over.set()
    assert (recorded.span.attributes or {})["vectorcache.outcome"] == "cancelled"
    assert "error.type" not in (recorded.span.attributes or {})
    assert recorded.span.status.status_code is StatusCode.UNSET


def test_an_interrupted_call(recorded: Recorded) -> None:
    """The span of a call that Ctrl-C ends has an end, and the span before it is current again."""

    class Interrupted(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise KeyboardInterrupt

    with (
        VectorcacheClient(
            KEY, http_client=Interrupted(), observers=[recorded.observer()]
        ) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        client.query("Q", "m")
    assert (recorded.span.attributes or {})["vectorcache.outcome"] == "cancelled"
    assert not trace.get_current_span().get_span_context().is_valid


def test_ended_in_another_context(recorded: Recorded, caplog: pytest.LogCaptureFixture) -> None:
    """A call whose coroutine is collected ends in another context, and changes nothing there."""
    observer = recorded.observer()
    call = ObservedCall(QUERY, "unused", httpx.URL("http://localhost"))
    contextvars.copy_context().run(observer.call_started, call)
    with recorded.tracer.start_as_current_span("elsewhere") as current:
        observer.call_finished(call, FinishedCall(None, GeneratorExit(), 0, 0.0))
        assert trace.get_current_span() is current
    assert (recorded.span.attributes or {})["vectorcache.outcome"] == "cancelled"
    assert caplog.records == []


@pytest.mark.parametrize("with_sdk", [True, False])
@pytest.mark.parametrize("copied", [True, False])
def test_ended_by_the_collector(
    recorded: Recorded, caplog: pytest.LogCaptureFixture, with_sdk: bool, copied: bool
) -> None:
    """A call may end in any context, without a log line and without a span left current.

    Without an SDK all spans are the same object. Then OpenTelemetry logged "Failed to detach
    context" (opentelemetry-python#2606).
    """
    observer = recorded.observer() if with_sdk else OpenTelemetryObserver()
    call = ObservedCall(QUERY, "unused", httpx.URL("http://localhost"))
    before = trace.get_current_span()

    def start_and_copy() -> contextvars.Context:
        observer.call_started(call)
        return contextvars.copy_context()

    def end() -> object:
        observer.call_finished(call, FinishedCall(None, GeneratorExit(), 0, 0.0))
        return trace.get_current_span()

    within = contextvars.copy_context().run(start_and_copy)
    assert (within.run(end) if copied else end()) is before
    assert caplog.records == []


def test_not_sampled(make_client: MakeClient, server: ScriptedServer) -> None:
    """If the sampler drops a call, it drops the spans below it, too."""

    def fallback(prompt: str, model: str, context: str | None) -> str:
        sampled.append(trace.get_current_span().get_span_context().trace_flags.sampled)
        return "from elsewhere"

    sampled: list[bool] = []
    server.script = [answer({"detail": "no"}, status=422)]
    provider = TracerProvider(sampler=ALWAYS_OFF)
    observer = OpenTelemetryObserver(provider)
    with provider.get_tracer("application").start_as_current_span("handler") as parent:
        make_client(observers=[observer], fallback=fallback).query("Q", "m")
        assert trace.get_current_span() is parent
    assert sampled == [False]
    provider.shutdown()


class Broken(SpanProcessor):
    """A span processor that fails in one method."""

    def __init__(self, at: str) -> None:
        self._at = at

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        if self._at == "start":
            raise ZeroDivisionError("the start")

    def on_end(self, span: Any) -> None:
        if self._at == "end":
            raise ZeroDivisionError("the end")


@pytest.mark.parametrize("at", ["start", "end"])
def test_a_broken_sdk(
    make_client: MakeClient,
    server: ScriptedServer,
    recorded: Recorded,
    caplog: pytest.LogCaptureFixture,
    at: str,
) -> None:
    """An error of the SDK breaks no call, leaves no span current, and is logged once a call."""
    server.script = [answer({"detail": "no"}, status=500)]
    recorded.tracer_provider.add_span_processor(Broken(at))
    client = make_client(observers=[recorded.observer()])
    with caplog.at_level(logging.WARNING):
        assert client.query("Q", "m").cache_hit
    assert not trace.get_current_span().get_span_context().is_valid
    (point,) = recorded.points("vectorcache.calls").values()
    assert point.value == 1
    words = [record.getMessage() for record in caplog.records]
    assert words == [
        "an observer failed, and the call goes on: OpenTelemetryObserver: ZeroDivisionError"
    ]
