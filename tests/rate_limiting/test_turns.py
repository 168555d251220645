"""A call and its client's rate limit: which attempts count, and how a call waits for its turn."""

from __future__ import annotations

import pytest
from clients import KEY
from clock import Clock
from rate_limiting.gates import lets_go

from vectorcache import (
    APIConnectionError,
    APITimeoutError,
    CircuitBreaker,
    QuotaExceededError,
    RateLimitError,
    VectorcacheClient,
    VectorcacheError,
)
from vectorcache._call.call import Call
from vectorcache._call.circuit import Circuit
from vectorcache._call.client_state import ClientState
from vectorcache._call.failure import AttemptFailed, Failure, Repeat
from vectorcache._call.options import CallOptions
from vectorcache._call.retry import RetryQuota
from vectorcache._query import Query
from vectorcache._rate_limit.auto import AutoGate
from vectorcache._rate_limit.gate import RateGate
from vectorcache._rate_limit.window import Rate


def failure(
    repeat: Repeat = Repeat.TRANSIENT,
    error: type[VectorcacheError] = APIConnectionError,
    status_code: int | None = None,
) -> Failure:
    return Failure(error=error, text="it failed", repeat=repeat, status_code=status_code)


BAD = failure()


class Limited:
    """Makes calls of a client with a limit, on a clock that the test moves."""

    def __init__(self, requests: int = 3, circuit: Circuit | None = None) -> None:
        self.clock = Clock()
        self.gate = RateGate(Rate(requests, 60), self.clock)
        self.circuit = circuit

    def call(self, deadline: float | None = 600.0, *, patient: bool = False) -> Call:
        with VectorcacheClient(KEY) as client:
            settings = client._settings
        return Call(
            settings,
            ClientState(RetryQuota(500), self.circuit, self.gate),
            Query("Q", "m", 0.85),
            CallOptions({}, 30.0, deadline, 5),
            patient=patient,
            clock=self.clock,
            random_unit=lambda: 0.0,
        )


def test_each_attempt_counts() -> None:
    """A retry counts as a request, and takes a turn of its own."""
    limited = Limited(requests=3)
    with limited.call() as call:
        for _ in range(3):
            assert call.seconds_to_turn() == 0
            call.attempt()
            call.delay_after(BAD)
        assert call.seconds_to_turn() > 0


def test_what_the_service_has_not_seen_does_not_count_twice() -> None:
    """A request that found its connection closed is repeated in the same turn."""
    limited = Limited(requests=1)
    with limited.call() as call:
        assert call.seconds_to_turn() == 0
        call.attempt()
        assert call.delay_after(failure(Repeat.STALE_CONNECTION)) == 0
        assert call.seconds_to_turn() == 0


def test_a_deadline_that_leaves_no_time_for_a_turn() -> None:
    """A call whose deadline comes before its turn fails at once, and says what to do."""
    limited = Limited(requests=1)
    lets_go(limited.gate)
    text = r"rate limit \(1 per minute\) has no slot for 61 s, and the deadline is 60 s"
    with limited.call(deadline=60) as call, pytest.raises(APITimeoutError, match=text) as caught:
        call.seconds_to_turn()
    assert "rate_limit=" in str(caught.value)
    assert caught.value.retry_after == pytest.approx(60.63)
    assert caught.value.attempts == 0


def test_a_retry_that_the_deadline_leaves_no_turn_for() -> None:
    """The error tells how the attempts before it failed."""
    limited = Limited(requests=1)
    with limited.call(deadline=60) as call:
        assert call.seconds_to_turn() == 0
        call.attempt()
        call.delay_after(BAD)
        with pytest.raises(APITimeoutError, match="before that: it failed") as caught:
            call.seconds_to_turn()
    assert caught.value.attempts == 1


def test_waiting_counts_to_the_deadline() -> None:
    """The wait for a turn counts towards the deadline."""
    limited = Limited(requests=1)
    lets_go(limited.gate)
    with limited.call(deadline=70) as call:
        while wait := call.seconds_to_turn():
            limited.clock.now += wait
        attempt = call.attempt()
        assert attempt.time.seconds_to_queue == pytest.approx(70 - 60.63)


def test_a_batch_waits_as_long_as_it_takes() -> None:
    """In a batch the deadline of a query begins when its turn has come."""
    limited = Limited(requests=1)
    lets_go(limited.gate)
    with limited.call(deadline=1, patient=True) as call:
        while wait := call.seconds_to_turn():
            limited.clock.now += wait
        attempt = call.attempt()
        assert attempt.time.seconds_to_queue == pytest.approx(1)
        call.delay_after(BAD)
        with pytest.raises(APITimeoutError):  # The retry's turn is within the deadline again.
            call.seconds_to_turn()


@pytest.mark.parametrize("deadline", [None, 600.0])
@pytest.mark.parametrize("patient", [False, True])
def test_a_waiting_call_asks_again(deadline: float | None, patient: bool) -> None:
    """A call asks every 5 seconds whether calls before it have left the line."""
    limited = Limited(requests=1)
    lets_go(limited.gate)
    with limited.call() as first, limited.call(deadline, patient=patient) as second:
        assert first.seconds_to_turn() == 5
        assert second.seconds_to_turn() == 5
        limited.clock.now += 58
        assert second.seconds_to_turn() == 5
        with first:
            pass
        assert second.seconds_to_turn() == pytest.approx(2.63)


@pytest.mark.parametrize("end", [KeyboardInterrupt, RuntimeError, None])
def test_a_call_that_ends_gives_its_place_back(end: type[BaseException] | None) -> None:
    """When a waiting call ends, however it does, those behind it move up."""
    limited = Limited(requests=1)
    lets_go(limited.gate)
    try:
        with limited.call() as call:
            assert call.seconds_to_turn() > 0
            if end is not None:
                raise end
    except (KeyboardInterrupt, RuntimeError):
        pass
    assert limited.gate.delay(limited.gate.permit()) == pytest.approx(60.63)


def test_a_call_that_ends_is_not_in_progress() -> None:
    """A call that is interrupted during its request does not hold up other calls."""
    limited = Limited()
    limited.gate = AutoGate(limited.clock)
    for _ in range(30):
        with limited.call() as call:
            assert call.seconds_to_turn() == 0
            call.attempt()


def test_no_call_waits_while_the_circuit_is_open() -> None:
    """While the circuit is open a call fails at once, and takes no turn."""
    circuit = Circuit(CircuitBreaker(1), "api.test")
    limited = Limited(requests=1, circuit=circuit)
    lets_go(limited.gate)
    with limited.call() as call:
        assert call.seconds_to_turn() > 0
        circuit.failed(BAD, circuit.admit())
        assert call.seconds_to_turn() == 0
        with pytest.raises(AttemptFailed):
            call.attempt()


def limit_headers(left: int) -> dict[str, str]:
    return {
        "x-ratelimit-limit": "100",
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-reset": "30",
    }


def after_a_refusal(error: type[VectorcacheError]) -> float:
    """Returns the delay of the next call after a 429 with that class of error."""
    clock = Clock()
    limited = Limited()
    limited.clock, limited.gate = clock, AutoGate(clock)
    with limited.call() as call:
        assert call.seconds_to_turn() == 0
        call.attempt().limit_headers = limit_headers(90)
        with pytest.raises(error):
            call.delay_after(failure(Repeat.NEVER, error=error, status_code=429))
    return limited.gate.delay(limited.gate.permit())


def test_a_refusal_stops_all_calls() -> None:
    """After a 429 the client's other calls wait, too."""
    assert after_a_refusal(RateLimitError) > 0


def test_the_monthly_quota_is_not_a_rate_limit() -> None:
    """A 429 for the quota makes no other call wait, as waiting would not help."""
    assert after_a_refusal(QuotaExceededError) == 0
