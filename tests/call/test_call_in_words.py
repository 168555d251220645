"""What a call says in the end: its result, its error's message and its lines in the log."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from call.made_calls import answered, end_of, make_call
from clock import Clock
from servers import HIT, MISS

from vectorcache import (
    APIConnectionError,
    APIStatusError,
    ConfigurationError,
    InternalServerError,
    QuotaExceededError,
    RateLimitError,
    RetryPolicy,
)
from vectorcache._call.error_message import readable_time
from vectorcache._call.failure import Failure, Repeat
from vectorcache._call.retry import RetryQuota
from vectorcache_api.models import QueryResponse

NEVER, UNCERTAIN, TRANSIENT, THROTTLED = (
    Repeat.NEVER,
    Repeat.UNCERTAIN,
    Repeat.TRANSIENT,
    Repeat.THROTTLED,
)
DOWN = Failure(APIConnectionError, "could not connect", TRANSIENT)
BOOM = Failure(InternalServerError, "500 boom", TRANSIENT, status_code=500, request_id="8f2c")


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
            [DOWN._replace(repeat=UNCERTAIN), DOWN._replace(repeat=UNCERTAIN)],
            {},
            "could not connect (2 attempts in 4 s, repeated only once, "
            "as each attempt may be paid for)",
        ),
        (
            [DOWN._replace(retry_after=9.5)],
            {"deadline": 11.5},
            "could not connect (1 attempt in 2 s, try again in 9.5 s, "
            "the deadline of 11.5 s leaves no time for another attempt)",
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
    ("took", "words"), [(0.0123, "12 ms"), (9.96, "10 s"), (10.0, "10 s"), (123.4, "2 min")]
)
def test_times_are_round(took: float, words: str) -> None:
    """A message rounds a time to the digits that a reader needs."""
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
    call.delay_after(DOWN._replace(repeat=Repeat.STALE_CONNECTION))
    fresh = call.attempt()
    assert fresh.needs_new_connection
    fresh.begin(None)
    assert fresh.time.seconds_left == 30
    call.delay_after(DOWN)
    assert not call.attempt().needs_new_connection


def test_an_attempt_has_the_calls_limits() -> None:
    """What is left of the deadline limits each attempt."""
    clock = Clock()
    call = make_call(clock, deadline=5.0)
    clock.now += 2
    attempt = call.attempt()
    attempt.begin(None)
    assert attempt.time.seconds_left == 3
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
    call = make_call(clock, policy=RetryPolicy.without_waiting())
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


def test_the_fallback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log says that the fallback answered, and after how long."""
    caplog.set_level("DEBUG", "vectorcache")
    clock = Clock()
    call = make_call(clock)
    call.attempt().line = "POST /v1/cache/query"
    clock.now += 2
    error = InternalServerError("500 boom", status_code=500, request_id="8f2c", attempts=2)
    result = call.fallback_result("An answer", error)
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
        call.fallback_result(None, APIStatusError("no"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1.0, "0 s"),
        (0.0, "0 s"),
        (3.6e-5, "0.036 ms"),
        (0.0004, "0.4 ms"),
        (0.0994, "99 ms"),
        (0.0999, "0.1 s"),
        (0.25, "0.25 s"),
        (9.5, "9.5 s"),
        (60.63, "61 s"),
        (119.4, "119 s"),
        (120.0, "2 min"),
        (3_636.03, "61 min"),
        (87_264.03, "24 h"),
        (172_800.0, "2 days"),
    ],
)
def test_times_are_written_for_people(seconds: float, text: str) -> None:
    """A time in a message has the unit that people would choose, and no needless digits."""
    assert readable_time(seconds) == text
