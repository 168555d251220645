"""Observers, which are told of each call."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

import anyio
import anyio.to_thread
import pytest
from clients import KEY, AnyClient, MakeClient
from servers import ScriptedServer, answer

from vectorcache import (
    AsyncVectorcacheClient,
    BadRequestError,
    CircuitBreaker,
    CircuitOpenError,
    ConfigurationError,
    FailedAttempt,
    FinishedCall,
    InternalServerError,
    InvalidRequestError,
    ObservedCall,
    Observer,
    ResponseMeta,
    VectorcacheClient,
    VectorcacheResponse,
)

Event = tuple[str, ObservedCall, Any]


class Notebook(Observer):
    """Keeps all events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def call_started(self, call: ObservedCall) -> None:
        self.events.append(("started", call, None))

    def attempt_failed(self, call: ObservedCall, attempt: FailedAttempt) -> None:
        self.events.append(("attempt failed", call, attempt))

    def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
        self.events.append(("finished", call, end))

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.events]


class Broken(Observer):
    """Raises an error at each event."""

    def call_started(self, call: ObservedCall) -> None:
        raise ZeroDivisionError("started")

    def attempt_failed(self, call: ObservedCall, attempt: FailedAttempt) -> None:
        raise ZeroDivisionError("failed")

    def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
        raise ZeroDivisionError("finished")


def test_an_answered_call(make_client: MakeClient, server: ScriptedServer) -> None:
    """An observer gets the query before it is sent, and then the answer."""
    notebook = Notebook()
    result = make_client(observers=[notebook]).query("Q", "m", 0.9, "c")
    (_, started, _), (_, call, end) = notebook.events
    assert notebook.names == ["started", "finished"]
    assert call is started
    assert (call.query.prompt, call.query.model, call.query.context) == ("Q", "m", "c")
    assert call.host == f"127.0.0.1:{server.port}"
    assert str(call.base_url) == server.url
    assert end.result is result
    assert (end.error, end.attempts) == (None, 1)
    assert end.elapsed >= result.meta.elapsed


def test_failed_attempts(make_client: MakeClient, server: ScriptedServer) -> None:
    """An observer gets each failed attempt, with its error and the wait before the next one."""
    boom = answer({"detail": "boom"}, status=500, headers={"X-Request-Id": "8f2c"})
    server.script = [boom, boom]
    notebook = Notebook()
    make_client(observers=[notebook]).query("Q", "m")
    assert notebook.names == ["started", "attempt failed", "attempt failed", "finished"]
    first = notebook.events[1][2]
    assert (first.number, first.error, first.status_code) == (1, InternalServerError, 500)
    assert (first.request_id, first.retry_in) == ("8f2c", 0.0)
    assert "boom" in first.message
    assert notebook.events[2][2].number == 2
    assert notebook.events[3][2].attempts == 3


def test_a_failed_call(make_client: MakeClient, server: ScriptedServer) -> None:
    """The last failed attempt has no wait, and the call ends with the error that is raised."""
    server.default = answer({"detail": "boom"}, status=500)
    notebook = Notebook()
    with pytest.raises(InternalServerError) as caught:
        make_client(observers=[notebook], max_retries=1).query("Q", "m")
    assert [e.retry_in for name, _, e in notebook.events if name == "attempt failed"] == [0.0, None]
    assert notebook.events[-1][2].error is caught.value
    assert notebook.events[-1][2].result is None


def test_a_fallback(make_client: MakeClient, server: ScriptedServer) -> None:
    """A call that the fallback answers ends with that answer."""
    server.default = answer({"detail": "no"}, status=422)
    notebook = Notebook()
    client = make_client(observers=[notebook], fallback=lambda prompt, model, context: "else")
    result = client.query("Q", "m")
    assert notebook.names == ["started", "attempt failed", "finished"]
    assert notebook.events[-1][2].result is result


def test_an_open_circuit_is_not_an_attempt(make_client: MakeClient, server: ScriptedServer) -> None:
    """A call that sent nothing has a beginning and an end, but no attempt."""
    server.default = answer({"detail": "boom"}, status=500)
    notebook = Notebook()
    breaker = CircuitBreaker(failures=1, reset_after=60.0)
    client = make_client(observers=[notebook], circuit_breaker=breaker, max_retries=0)
    for error in (InternalServerError, CircuitOpenError):
        with pytest.raises(error):
            client.query("Q", "m")
    assert notebook.names == ["started", "attempt failed", "finished", "started", "finished"]


def test_a_refused_call_is_not_observed(make_client: MakeClient) -> None:
    """Observers are not told of a query that was refused before anything was sent."""
    notebook = Notebook()
    with pytest.raises(InvalidRequestError):
        make_client(observers=[notebook]).query("", "m")
    assert notebook.events == []


def test_what_before_send_made_of_it(make_client: MakeClient) -> None:
    """An observer sees the query as it is sent."""
    from attrs import evolve

    notebook = Notebook()
    client = make_client(
        observers=[notebook], before_send=lambda query: evolve(query, prompt="hidden")
    )
    client.query("my secret", "m")
    assert {call.query.prompt for _, call, _ in notebook.events} == {"hidden"}


def test_an_observers_error_never_breaks_a_call(
    make_client: MakeClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of an observer is logged, and affects neither the call nor the other observers."""
    server.script = [answer({"detail": "boom"}, status=500)]
    notebook = Notebook()
    with caplog.at_level(logging.WARNING, "vectorcache"):
        client = make_client(observers=[Broken(), notebook])
        assert client.query("Q", "m").cache_hit
    assert notebook.names == ["started", "attempt failed", "finished"]
    words = [record.getMessage() for record in caplog.records if "observer" in record.getMessage()]
    assert words == ["an observer failed, and the call goes on: Broken: ZeroDivisionError"] * 3


def test_an_observers_error_hides_no_error(make_client: MakeClient, server: ScriptedServer) -> None:
    """An observer that fails does not change the error of a failed call."""
    server.default = answer({"detail": "no"}, status=400)
    with pytest.raises(BadRequestError) as caught:
        make_client(observers=[Broken()]).query("Q", "m")
    assert caught.value.__context__ is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_observer_loses_no_count(
    server: ScriptedServer, error: type[BaseException]
) -> None:
    """A call counts in ``client.stats`` even if Ctrl-C interrupts an observer at its end."""

    class Interrupted(Observer):
        def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
            raise error

    with VectorcacheClient(KEY, server.url, observers=[Interrupted()]) as client:
        with pytest.raises(error):
            client.query("Q", "m")
        assert (client.stats.calls, client.stats.hits) == (1, 1)


def test_an_observer_finds_the_call_in_the_statistics(make_client: MakeClient) -> None:
    """An observer that reads ``client.stats`` at the end of a call finds the call counted."""
    counts: list[int] = []

    class Reader(Observer):
        def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
            counts.append(client.stats.calls)

    client = make_client(observers=[Reader()])
    client.query("Q", "m")
    assert counts == [1]


FALLBACK = VectorcacheResponse(
    False, "A", None, 0.0, "fallback", meta=ResponseMeta(422, error=InternalServerError("no"))
)


@pytest.mark.parametrize(
    ("result", "error", "outcome"),
    [
        (VectorcacheResponse(True, "A", 0.9, 0.1, "cache"), None, "hit"),
        (VectorcacheResponse(False, "A", None, 0.0, "openai"), None, "miss"),
        (FALLBACK, None, "fallback"),
        (None, InternalServerError("no"), "failed"),
        (None, ZeroDivisionError(), "failed"),
        (None, KeyboardInterrupt(), "cancelled"),
        (None, GeneratorExit(), "cancelled"),
        (None, None, "cancelled"),
    ],
)
def test_outcome(
    result: VectorcacheResponse | None, error: BaseException | None, outcome: str
) -> None:
    """``FinishedCall.outcome`` is the name under which the statistics and telemetry count."""
    assert FinishedCall(result, error, 1, 0.5).outcome == outcome


def test_observers_are_told_of_the_end_in_reverse_order(make_client: MakeClient) -> None:
    """Observers are told of the end in reverse order, so that each can undo what it has set."""
    told: list[str] = []

    class Named(Observer):
        def __init__(self, name: str) -> None:
            self._name = name

        def call_started(self, call: ObservedCall) -> None:
            told.append(f"{self._name} started")

        def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
            told.append(f"{self._name} finished")

    make_client(observers=[Named("outer"), Named("inner")]).query("Q", "m")
    assert told == ["outer started", "inner started", "inner finished", "outer finished"]


async def test_a_cancelled_call(server: ScriptedServer) -> None:
    """A cancelled call has an end as well, and counts as cancelled."""
    arrived, over = threading.Event(), threading.Event()

    def hold(_: socket.socket) -> None:
        arrived.set()
        over.wait(20)

    server.default = hold
    notebook = Notebook()
    async with AsyncVectorcacheClient(KEY, server.url, observers=[notebook]) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.query, "Q", "m")
            await anyio.to_thread.run_sync(arrived.wait)
            tasks.cancel_scope.cancel()
        over.set()
        assert notebook.names == ["started", "finished"]
        assert isinstance(notebook.events[-1][2].error, anyio.get_cancelled_exc_class())
        assert (client.stats.calls, client.stats.cancelled) == (1, 1)


def test_one_key_for_a_mapping(make_client: MakeClient) -> None:
    """Equal queries are different calls: an observer can keep something for each."""
    spans: dict[ObservedCall, int] = {}

    class Spans(Observer):
        def call_started(self, call: ObservedCall) -> None:
            spans[call] = len(spans)

    client = make_client(observers=[Spans()])
    client.query("Q", "m")
    client.query("Q", "m")
    assert list(spans.values()) == [0, 1]


def test_a_copy_may_have_others(make_client: MakeClient) -> None:
    """``with_options(observers=…)`` replaces them; any other copy keeps them."""
    one, other = Notebook(), Notebook()
    client = make_client(observers=[one])
    client.with_options(observers=[other]).query("Q", "m")
    client.with_options(context="c").query("Q", "m")
    assert (len(one.events), len(other.events)) == (2, 2)


class Silent:
    def call_started(self, call: ObservedCall) -> None: ...


class Late(Observer):
    async def call_finished(self, call: ObservedCall, end: FinishedCall) -> None: ...  # type: ignore[override]


@pytest.mark.parametrize(
    ("observers", "words"),
    [
        (Notebook(), "observers must be a list of objects that inherit from Observer"),
        ("Notebook", "observers must be a list"),
        (None, "observers must be a list"),
        ([Notebook], "let its class inherit from vectorcache.Observer, and pass an instance"),
        ([Silent()], "observers has a Silent without a method attempt_failed: let its class in"),
        (
            [Late()],
            "a Late whose call_finished is async: its result would not be awaited, "
            "so make it a plain method",
        ),
    ],
)
def test_invalid_observers(make_client: MakeClient, observers: Any, words: str) -> None:
    """An object that is not an observer is refused when the client is made."""
    with pytest.raises(ConfigurationError) as caught:
        make_client(observers=observers)
    assert str(caught.value).startswith(words) or str(caught.value).endswith(words)


def test_a_batch_is_observed_call_by_call(client: AnyClient, make_client: MakeClient) -> None:
    """Observers are told of each query that ``query_many`` sends."""
    notebook = Notebook()
    batch = make_client(observers=[notebook]).query_many(["a", "b", ""], model="m", concurrency=1)
    assert len(list(batch)) == 3
    assert notebook.names == ["started", "finished"] * 2
