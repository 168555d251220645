"""A call and its client's circuit breaker: which attempts it lets through, and what it counts."""

from __future__ import annotations

import pytest
from call.made_calls import answered, end_of, make_call
from clock import Clock
from servers import HIT

from vectorcache import APIConnectionError, CircuitBreaker, CircuitOpenError
from vectorcache._call.circuit import Admission, Circuit
from vectorcache._call.failure import AttemptFailed, Failure, Repeat

DOWN = Failure(APIConnectionError, "could not connect", Repeat.TRANSIENT)
NEVER_ANSWERED = DOWN._replace(repeat=Repeat.NEVER)


def test_no_retry_where_the_circuit_opens() -> None:
    """The attempt that opens it is the last, and the message says for how long."""
    clock = Clock()
    circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", clock)
    call = make_call(clock, circuit=circuit)
    assert str(end_of(call, DOWN, clock=clock)) == (
        "could not connect (1 attempt in 2 s, the circuit is open for another 60 s)"
    )


def test_each_failed_attempt_counts() -> None:
    """Every attempt of a call is reported, so that three in a row open the circuit."""
    circuit = Circuit(CircuitBreaker(3, 60.0), "cache.test", Clock())
    error = end_of(make_call(circuit=circuit, max_retries=9), DOWN, DOWN, DOWN)
    assert error.attempts == 3
    assert "the circuit is open" in str(error)


def test_a_probe_that_fails_keeps_it_open() -> None:
    """After the pause one attempt is made, and its failure begins the next pause."""
    clock = Clock()
    circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", clock)
    end_of(make_call(clock, circuit=circuit), DOWN)
    clock.now += 60
    assert end_of(make_call(clock, circuit=circuit), DOWN, clock=clock).attempts == 1
    assert circuit.pause == 60


def test_nothing_is_sent_while_it_is_open() -> None:
    """A call that comes in the pause ends before its first attempt."""
    circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", Clock())
    end_of(make_call(circuit=circuit), DOWN)
    with pytest.raises(AttemptFailed) as caught:
        make_call(circuit=circuit).attempt()
    assert caught.value.failure.error is CircuitOpenError


def test_it_opens_while_a_call_waits() -> None:
    """A call that has to wait for a connection asks again once it has one."""
    circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", Clock())
    waiting = make_call(circuit=circuit).attempt()
    end_of(make_call(circuit=circuit), DOWN)
    with pytest.raises(AttemptFailed) as caught:
        waiting.begin(None)
    assert caught.value.failure.error is CircuitOpenError


def test_a_probe_that_is_given_up() -> None:
    """A cancelled probe leaves its place to the next call."""
    clock = Clock()
    circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", clock)
    end_of(make_call(clock, circuit=circuit), DOWN)
    clock.now += 60
    call = make_call(clock, circuit=circuit)
    with call:
        call.attempt().begin(None)
    assert circuit.admit() is Admission.PROBE


def test_a_call_that_sends_nothing_leaves_the_circuit_as_it_was() -> None:
    """A call that is cancelled before its first attempt counts as neither failure nor success."""
    circuit = Circuit(CircuitBreaker(2), "cache.test", Clock())
    end_of(make_call(circuit=circuit), NEVER_ANSWERED)
    with make_call(circuit=circuit):
        pass
    assert circuit.pause is None
    end_of(make_call(circuit=circuit), NEVER_ANSWERED)
    assert circuit.pause is not None


def test_a_success_closes_it() -> None:
    """A call that is answered after the pause closes the circuit."""
    clock = Clock()
    circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", clock)
    end_of(make_call(clock, circuit=circuit), DOWN)
    clock.now += 60
    answered(make_call(clock, circuit=circuit), HIT)
    assert circuit.pause is None
