"""What a call says in the end: its result, its error's message and its lines in the log."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from call.attempts import Clock
from clients import KEY
from servers import HIT, MISS

from vectorcache import (
    APIConnectionError,
    APIStatusError,
    CircuitBreaker,
    CircuitOpenError,
    ConfigurationError,
    InternalServerError,
    QuotaExceededError,
    RateLimitError,
    RetryPolicy,
    VectorcacheClient,
    VectorcacheError,
)
from vectorcache._call.call import Call
from vectorcache._call.circuit import Admission, Circuit
from vectorcache._call.failure import AttemptFailed, Failure
from vectorcache._call.retry import Repeat, RetryQuota
from vectorcache._call.shared import Shared
from vectorcache._query import Query
from vectorcache_api.models import QueryResponse

NEVER, ONCE, TRANSIENT, THROTTLED = Repeat.NEVER, Repeat.ONCE, Repeat.TRANSIENT, Repeat.THROTTLED
DOWN = Failure(APIConnectionError, "could not connect", TRANSIENT)
BOOM = Failure(InternalServerError, "500 boom", TRANSIENT, status_code=500, request_id="8f2c")


def make_call(
    clock: Clock | None = None,
    *,
    quota: RetryQuota | None = None,
    circuit: Circuit | None = None,
    deadline: float | None = None,
    max_retries: int = 2,
) -> Call:
    with VectorcacheClient(
        KEY, "https://cache.test", retry=RetryPolicy.without_waiting()
    ) as client:
        settings = client._settings
    return Call(
        settings,
        Shared(quota or RetryQuota(500), circuit),
        Query("Q", "m", 0.85),
        {},
        timeout=30.0,
        deadline=deadline,
        max_retries=max_retries,
        clock=clock or Clock(),
        random_unit=lambda: 1.0,
    )


def end_of(call: Call, *failures: Failure, clock: Clock | None = None) -> VectorcacheError:
    """The error that the last of the failures ends the call with; each attempt takes 2 s."""
    *others, last = failures
    for one in others:
        call.attempt().begin(None)
        if clock is not None:
            clock.now += 2
        call.delay_after(one)
    call.attempt().begin(None)
    if clock is not None:
        clock.now += 2
    with pytest.raises(VectorcacheError) as caught:
        call.delay_after(last)
    return caught.value


def answered(call: Call, body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    attempt = call.attempt()
    attempt.begin(None)
    attempt.reader(httpx.Response(200, headers=headers))
    return call.result(QueryResponse.from_dict(body))


@pytest.mark.parametrize(
    ("failures", "options", "message"),
    [
        ([DOWN], {"max_retries": 0}, "could not connect (1 attempt in 2 s)"),
        ([DOWN, DOWN], {"max_retries": 1}, "could not connect (2 attempts in 4 s)"),
        (
            [DOWN, BOOM, DOWN, BOOM, DOWN._replace(text="shut", repeat=NEVER)],
            {"max_retries": 9},
            "shut (5 attempts in 10 s, before that: could not connect; 500 boom)",
        ),
        (
            [BOOM._replace(repeat=NEVER, advice="look at {base_url}")],
            {},
            "500 boom (request 8f2c, 1 attempt in 2 s); look at https://cache.test",
        ),
        (
            [BOOM._replace(retry_after=61.0)],
            {},
            "500 boom (request 8f2c, 1 attempt in 2 s, try again in 61 s)",
        ),
        (
            [DOWN._replace(repeat=ONCE), DOWN._replace(repeat=ONCE)],
            {},
            "could not connect (2 attempts in 4 s, repeated only once, as each may be paid for)",
        ),
        (
            [DOWN._replace(retry_after=9.5)],
            {"deadline": 11.5},
            "could not connect (1 attempt in 2 s, try again in 9.5 s, "
            "the deadline of 11.5 s leaves no time for more)",
        ),
        (
            [DOWN],
            {"quota": RetryQuota(13)},
            "could not connect (1 attempt in 2 s, "
            "not repeated, as the client's retry quota is used up)",
        ),
        (
            [DOWN._replace(sent=False, repeat=NEVER)],
            {},
            "could not connect (after 2 s)",
        ),
    ],
)
def test_the_message(failures: list[Failure], options: dict[str, Any], message: str) -> None:
    """It says what happened, to which request, how often, when to try again, and why no more."""
    clock = Clock()
    assert str(end_of(make_call(clock, **options), *failures, clock=clock)) == message


@pytest.mark.parametrize(
    ("took", "words"), [(0.0123, "0.012 s"), (9.96, "10 s"), (10.0, "10 s"), (123.4, "123 s")]
)
def test_times_are_round(took: float, words: str) -> None:
    """A message has no more digits of a time than anybody reads."""
    clock = Clock()
    call = make_call(clock, max_retries=0)
    call.attempt()
    clock.now += took
    with pytest.raises(APIConnectionError) as caught:
        call.delay_after(DOWN)
    assert str(caught.value) == f"could not connect (1 attempt in {words})"


def test_the_error_has_what_is_known() -> None:
    """Status, wait, request, body, attempts, a class's own facts and the cause are attributes."""
    cause = ValueError("why")
    failure = Failure(
        QuotaExceededError,
        "429 used up",
        NEVER,
        status_code=429,
        retry_after=7.0,
        request_id="8f2c",
        body={"a": 1},
        headers={"server": "edge"},
        details={"current_usage": 10, "monthly_limit": 20},
        cause=cause,
    )
    error = end_of(make_call(), failure)
    assert vars(error) == {
        "message": "429 used up (request 8f2c, 1 attempt in 0 s, try again in 7 s)",
        "status_code": 429,
        "retry_after": 7.0,
        "request_id": "8f2c",
        "body": {"a": 1},
        "headers": {"server": "edge"},
        "attempts": 1,
        "current_usage": 10,
        "monthly_limit": 20,
    }
    assert error.__cause__ is cause


def test_a_result_knows_how_it_came() -> None:
    """``meta`` has status, headers, request, attempts, time and rate limit."""
    clock = Clock()
    call = make_call(clock)
    call.attempt()
    clock.now += 2
    call.delay_after(DOWN)
    headers = {"X-Request-Id": "8f2c", "X-RateLimit-Limit": "100"}
    meta = answered(call, HIT, headers).meta
    assert (meta.status_code, meta.request_id, meta.attempts, meta.elapsed) == (200, "8f2c", 2, 2)
    assert meta.headers["x-ratelimit-limit"] == "100"
    assert meta.rate_limit.limit == 100


def test_what_a_retry_costs_comes_back() -> None:
    """Throttled retries cost less than others, and a success returns the last one's price."""
    quota = RetryQuota(500)
    call = make_call(quota=quota)
    call.attempt()
    call.delay_after(Failure(RateLimitError, "429", THROTTLED))
    assert quota.tokens == 495
    call.attempt()
    call.delay_after(DOWN)
    assert quota.tokens == 481
    answered(call, HIT)
    assert quota.tokens == 495
    answered(make_call(quota=quota), HIT)
    assert quota.tokens == 496


def test_only_the_next_attempt_has_to_be_fresh() -> None:
    """A connection that was closed while idle asks for one new connection, not for more."""
    call = make_call()
    call.attempt()
    call.delay_after(DOWN._replace(repeat=Repeat.AT_ONCE))
    fresh = call.attempt()
    assert fresh.fresh
    fresh.begin(None)
    assert fresh.seconds_left == 30
    call.delay_after(DOWN)
    assert not call.attempt().fresh


def test_an_attempt_has_the_calls_limits() -> None:
    """What is left of the deadline limits each attempt."""
    clock = Clock()
    call = make_call(clock, deadline=5.0)
    clock.now += 2
    attempt = call.attempt()
    attempt.begin(None)
    assert attempt.seconds_left == 3
    assert (call.body.prompt, call.query.prompt) == ("Q", "Q")


@pytest.mark.parametrize(("body", "word"), [(HIT, "hit"), (MISS, "miss")])
def test_the_log_of_an_answer(
    caplog: pytest.LogCaptureFixture, body: dict[str, Any], word: str
) -> None:
    """The line of an answered call says whether it was a hit."""
    caplog.set_level("INFO", "vectorcache")
    answered(make_call(), body)
    (record,) = caplog.records
    assert record.getMessage() == f": 200 {word} in 0.000 s (attempts 1, request unnamed)"


def test_the_log_of_a_call(caplog: pytest.LogCaptureFixture) -> None:
    """At INFO one line a call; at DEBUG each attempt and wait; never what was asked."""
    caplog.set_level("DEBUG", "vectorcache")
    clock = Clock()
    call = make_call(clock)
    for failure in (DOWN, BOOM):
        call.attempt().line = "POST /v1/cache/query"
        clock.now += 2
        call.delay_after(failure)
    attempt = call.attempt()
    attempt.line = "POST /v1/cache/query"
    attempt.reader(httpx.Response(200))
    call.result(QueryResponse.from_dict(MISS))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (level, f"POST /v1/cache/query: {text}")
        for level, text in [
            ("DEBUG", "attempt 1 failed after 2.000 s: APIConnectionError (request unnamed)"),
            ("DEBUG", "next attempt in 0.000 s"),
            ("DEBUG", "attempt 2 failed after 4.000 s: 500 (request 8f2c)"),
            ("DEBUG", "next attempt in 0.000 s"),
            ("DEBUG", "attempt 3 answered after 4.000 s"),
            ("INFO", "200 miss in 4.000 s (attempts 3, request unnamed)"),
        ]
    ]


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (BOOM, "500 in 2.000 s (attempts 1, request 8f2c)"),
        (DOWN, "APIConnectionError in 2.000 s (attempts 1, request unnamed)"),
    ],
)
def test_the_log_of_a_failure(
    caplog: pytest.LogCaptureFixture, failure: Failure, line: str
) -> None:
    """A call that fails is one line at INFO as well."""
    caplog.set_level("INFO", "vectorcache")
    clock = Clock()
    end_of(make_call(clock, max_retries=0), failure, clock=clock)
    assert [record.getMessage() for record in caplog.records] == [f": {line}"]


class TestCircuit:
    """What a call has to do with the client's circuit breaker."""

    def test_no_retry_where_the_circuit_opens(self) -> None:
        """The attempt that opens it is the last, and the message says for how long."""
        clock = Clock()
        circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", clock)
        call = make_call(clock, circuit=circuit)
        assert str(end_of(call, DOWN, clock=clock)) == (
            "could not connect (1 attempt in 2 s, the circuit is open for another 60 s)"
        )

    def test_each_failed_attempt_counts(self) -> None:
        """Every attempt of a call is reported, so that three in a row open the circuit."""
        circuit = Circuit(CircuitBreaker(3, 60.0), "cache.test", Clock())
        error = end_of(make_call(circuit=circuit, max_retries=9), DOWN, DOWN, DOWN)
        assert error.attempts == 3
        assert "the circuit is open" in str(error)

    def test_a_probe_that_fails_keeps_it_open(self) -> None:
        """After the pause one attempt is made, and its failure begins the next pause."""
        clock = Clock()
        circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", clock)
        end_of(make_call(clock, circuit=circuit), DOWN)
        clock.now += 60
        assert end_of(make_call(clock, circuit=circuit), DOWN, clock=clock).attempts == 1
        assert circuit.pause == 60

    def test_nothing_is_sent_while_it_is_open(self) -> None:
        """A call that comes in the pause ends before its first attempt."""
        circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", Clock())
        end_of(make_call(circuit=circuit), DOWN)
        with pytest.raises(AttemptFailed) as caught:
            make_call(circuit=circuit).attempt()
        assert caught.value.failure.error is CircuitOpenError

    def test_it_opens_while_a_call_waits(self) -> None:
        """A call that has to wait for a connection asks again once it has one."""
        circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", Clock())
        waiting = make_call(circuit=circuit).attempt()
        end_of(make_call(circuit=circuit), DOWN)
        with pytest.raises(AttemptFailed) as caught:
            waiting.begin(None)
        assert caught.value.failure.error is CircuitOpenError

    def test_a_probe_that_is_given_up(self) -> None:
        """A cancelled probe leaves its place to the next call."""
        clock = Clock()
        circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", clock)
        end_of(make_call(clock, circuit=circuit), DOWN)
        clock.now += 60
        call = make_call(clock, circuit=circuit)
        with call:
            call.attempt().begin(None)
        assert circuit.admit() is Admission.PROBE

    def test_giving_up_is_no_matter_without_one(self) -> None:
        """Calls can be cancelled before their first attempt, and without a circuit breaker."""
        for circuit in (None, Circuit(CircuitBreaker(), "cache.test", Clock())):
            with make_call(circuit=circuit):
                pass

    def test_a_success_closes_it(self) -> None:
        """A call that is answered after the pause closes the circuit."""
        clock = Clock()
        circuit = Circuit(CircuitBreaker(1, 60.0), "cache.test", clock)
        end_of(make_call(clock, circuit=circuit), DOWN)
        clock.now += 60
        answered(make_call(clock, circuit=circuit), HIT)
        assert circuit.pause is None


def test_the_fallback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads the log sees that it was the fallback that answered, and when."""
    caplog.set_level("DEBUG", "vectorcache")
    clock = Clock()
    call = make_call(clock)
    call.attempt().line = "POST /v1/cache/query"
    clock.now += 2
    error = InternalServerError("500 boom", status_code=500, request_id="8f2c", attempts=2)
    result = call.stand_in("An answer", error)
    assert result.to_dict() == {
        "cache_hit": False,
        "response": "An answer",
        "similarity_score": None,
        "cost_saved": 0.0,
        "llm_provider": "fallback",
    }
    meta = result.meta
    assert (meta.status_code, meta.request_id, meta.attempts, meta.elapsed) == (500, "8f2c", 2, 2)
    assert meta.error is error
    assert [record.getMessage() for record in caplog.records] == [
        "POST /v1/cache/query: the fallback answered in 2.000 s for 500"
    ]
    with pytest.raises(ConfigurationError, match=r"^fallback must "):
        call.stand_in(None, APIStatusError("no"))
