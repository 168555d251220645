"""The circuit breaker's rules: when it opens and closes, without network and clock."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from clock import Clock
from hypothesis import given
from hypothesis import strategies as st

from vectorcache import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    CircuitBreaker,
    CircuitOpenError,
    ConfigurationError,
    InternalServerError,
    RateLimitError,
    ServiceUnavailableError,
    VectorcacheError,
)
from vectorcache._call import circuit as circuit_module
from vectorcache._call.circuit import Admission, Circuit
from vectorcache._call.failure import Failure, Repeat


def failure(
    error: type[VectorcacheError] = APIConnectionError, status: int | None = None, **facts: Any
) -> Failure:
    return Failure(
        error=error, text="it failed", repeat=Repeat.TRANSIENT, status_code=status, **facts
    )


BAD = failure()
THROTTLED = failure(RateLimitError, 429)


def opened(clock: Clock, failures: int = 3, reset_after: float = 60.0) -> Circuit:
    circuit = Circuit(CircuitBreaker(failures, reset_after), "api.test", clock)
    for _ in range(failures):
        assert circuit.admit() is Admission.ADMITTED
        circuit.failed(BAD, Admission.ADMITTED)
    return circuit


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (failure(APIConnectionError), True),
        (failure(APITimeoutError), True),
        (failure(InternalServerError, 500), True),
        (failure(ServiceUnavailableError, 503), True),
        (failure(InternalServerError, 502), False),
        (failure(InternalServerError, 504), False),
        (THROTTLED, False),
        (failure(VectorcacheError, 200), False),
        (failure(APITimeoutError, sent=False), False),
    ],
)
def test_what_counts(one: Failure, counts: bool) -> None:
    """Connection failures, timeouts, 500 and 503 count; other answers and our own limits do not."""
    circuit = Circuit(CircuitBreaker(1), "api.test", Clock())
    circuit.failed(one, circuit.admit())
    assert (circuit.pause is not None) is counts


@pytest.mark.parametrize("sign_of_life", ["success", "another status"])
def test_failures_count_only_in_a_row(sign_of_life: str) -> None:
    """Whatever shows that the service is there sets the count back."""
    circuit = Circuit(CircuitBreaker(2), "api.test", Clock())
    for _ in range(5):
        circuit.failed(BAD, circuit.admit())
        if sign_of_life == "success":
            circuit.succeeded(Admission.ADMITTED)
        else:
            circuit.failed(THROTTLED, circuit.admit())
    assert circuit.pause is None


def test_one_success_between_two_failures() -> None:
    """A single failure is forgotten as well."""
    circuit = Circuit(CircuitBreaker(2), "api.test", Clock())
    for _ in range(5):
        circuit.failed(BAD, circuit.admit())
        assert circuit.pause is None
        circuit.succeeded(Admission.ADMITTED)


@pytest.mark.parametrize(
    ("last", "named"), [(BAD, "APIConnectionError"), (failure(InternalServerError, 500), "500")]
)
def test_a_refusal_says_why_and_for_how_long(last: Failure, named: str) -> None:
    """It names the service, what happened there, and when there will be another attempt."""
    clock = Clock()
    circuit = Circuit(CircuitBreaker(2, 60.0), "api.test", clock)
    for one in (BAD, last):
        circuit.failed(one, circuit.admit())
    clock.now += 20
    assert circuit.refusal() == Failure(
        error=CircuitOpenError,
        text=(
            "the circuit is open, so no request goes out; failed attempts in a row on api.test: 2, "
            f"the last with {named}"
        ),
        advice="call the LLM directly until then, or pass fallback=",
        repeat=Repeat.NEVER,
        retry_after=40.0,
        sent=False,
    )
    clock.now += 40
    assert circuit.refusal().retry_after == 0


def test_opening_and_closing_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log says when and why calls began to fail at once, and when they ceased to."""
    caplog.set_level("INFO", "vectorcache")
    clock = Clock()
    circuit = Circuit(CircuitBreaker(2, 30.0), "api.test", clock)
    circuit.failed(BAD, circuit.admit())
    circuit.succeeded(Admission.ADMITTED)
    for _ in range(2):
        circuit.failed(BAD, circuit.admit())
    clock.now += 30
    assert circuit.admit() is Admission.PROBE
    circuit.succeeded(Admission.PROBE)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            "circuit open for 30 s: failed attempts in a row on api.test: 2, the last with "
            "APIConnectionError",
        ),
        ("INFO", "circuit closed: api.test answers again"),
    ]


def test_a_probe_that_was_never_sent() -> None:
    """Running out of time before there is a connection leaves the probe to the next call."""
    clock = Clock()
    circuit = opened(clock)
    clock.now += 60
    probe = circuit.admit()
    circuit.failed(failure(APITimeoutError, sent=False), probe)
    assert circuit.admit() is Admission.PROBE


def test_one_probe_after_the_pause() -> None:
    """After ``reset_after`` one attempt is let through; if it fails, the pause begins anew."""
    clock = Clock()
    circuit = opened(clock, reset_after=60.0)
    assert circuit.pause == 60.0
    clock.now += 59.9
    assert circuit.admit() is Admission.REFUSED
    clock.now += 0.1
    assert circuit.admit() is Admission.PROBE
    assert [circuit.admit() for _ in range(3)] == [Admission.REFUSED] * 3
    clock.now += 5
    circuit.failed(BAD, Admission.PROBE)
    assert circuit.pause == 60.0


def test_an_answered_probe_closes_the_circuit() -> None:
    """Once the probe is answered all is as before, and the count begins at nothing."""
    clock = Clock()
    circuit = opened(clock, failures=3)
    clock.now += 60
    assert circuit.admit() is Admission.PROBE
    circuit.succeeded(Admission.PROBE)
    assert circuit.pause is None
    for _ in range(2):
        circuit.failed(BAD, circuit.admit())
    assert circuit.admit() is Admission.ADMITTED


def test_a_given_up_probe_makes_room_for_the_next() -> None:
    """A cancelled probe has told nothing, so the next call probes; until then none does."""
    clock = Clock()
    circuit = opened(clock)
    clock.now += 60
    assert circuit.admit() is Admission.PROBE
    circuit.dropped(Admission.PROBE)
    assert circuit.admit() is Admission.PROBE
    clock.now += 1_000
    assert circuit.admit() is Admission.REFUSED
    assert circuit.pause == 60


@pytest.mark.parametrize("status", [502, 504, 522, 200])
def test_a_probe_that_tells_nothing(status: int) -> None:
    """A proxy's 5xx, or a page instead of an answer, neither opens nor closes a circuit."""
    clock = Clock()
    circuit = opened(clock)
    clock.now += 60
    error = APIResponseError if status == 200 else InternalServerError
    circuit.failed(failure(error, status), circuit.admit())
    assert circuit.pause == 0
    assert circuit.admit() is Admission.PROBE


def test_a_fork_during_a_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child, which never hears of its parent's probe, sends its own."""
    clock = Clock()
    circuit = opened(clock)
    clock.now += 60
    assert circuit.admit() is Admission.PROBE
    monkeypatch.setattr(circuit_module, "getpid", lambda: -1)
    assert circuit.admit() is Admission.PROBE


def test_late_answers_do_not_close_it() -> None:
    """What was asked before the circuit opened, and is answered now, tells nothing new."""
    circuit = opened(Clock())
    circuit.succeeded(Admission.ADMITTED)
    assert circuit.pause == 60


def test_late_failures_do_not_lengthen_the_pause() -> None:
    """Attempts that were in progress when the circuit opened change nothing by failing later."""
    clock = Clock()
    circuit = opened(clock, reset_after=60.0)
    clock.now += 50
    circuit.failed(BAD, Admission.ADMITTED)
    assert circuit.pause == 10.0


@given(st.lists(st.sampled_from(["ask", "fail", "answer", "drop", "wait"]), max_size=60))
def test_any_sequence(events: list[str]) -> None:
    """Whatever happens, between two openings lie enough failures, and one probe is out at most."""
    clock = Clock()
    circuit = Circuit(CircuitBreaker(3, 10.0), "api.test", clock)
    in_progress: list[Admission] = []
    failures = 0
    for event in events:
        before = circuit.pause
        match event:
            case "ask":
                admission = circuit.admit()
                if admission is not Admission.REFUSED:
                    in_progress.append(admission)
                assert (before is None) == (admission is Admission.ADMITTED)
            case "fail" if in_progress:
                admission = in_progress.pop()
                failures += before is None or admission is Admission.PROBE
                circuit.failed(BAD, admission)
            case "answer" if in_progress:
                admission = in_progress.pop()
                circuit.succeeded(admission)
                if before is None or admission is Admission.PROBE:
                    failures = 0
                    assert circuit.pause is None
            case "drop" if in_progress:
                circuit.dropped(in_progress.pop())
            case "wait":
                clock.now += 4
        assert (circuit.pause is None) == (failures < 3)
        assert 0 <= (circuit.pause or 0) <= 10
        assert in_progress.count(Admission.PROBE) <= 1


def test_one_probe_among_many_threads() -> None:
    """Of any number of threads that come after the pause, one is let through."""
    clock = Clock()
    circuit = opened(clock)
    clock.now += 60
    together = threading.Barrier(16)

    def ask(_: int) -> Admission:
        together.wait()
        return circuit.admit()

    with ThreadPoolExecutor(16) as pool:
        admissions = list(pool.map(ask, range(16)))
    assert admissions.count(Admission.PROBE) == 1
    assert admissions.count(Admission.REFUSED) == 15


@pytest.mark.parametrize(
    "options",
    [{"failures": 0}, {"failures": 1.5}, {"failures": True}, {"reset_after": 0},
     {"reset_after": -1}, {"reset_after": float("nan")}, {"reset_after": "60"},
     {"reset_after": 1e9}],
)  # fmt: skip
def test_figures_that_make_no_sense(options: dict[str, Any]) -> None:
    """A breaker that could never open, or never close, is refused."""
    with pytest.raises(
        ConfigurationError, match=f"^CircuitBreaker.{next(iter(options))} must be .*[01]$"
    ):
        CircuitBreaker(**options)
    assert CircuitBreaker(1, 0.001).reset_after == 0.001
