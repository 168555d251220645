"""What a call comes to: its answer, an equal call's, or its fallback's; without a network."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from clients import KEY

from vectorcache import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConfigurationError,
    InternalServerError,
    RateLimit,
    ResponseMeta,
    VectorcacheClient,
    VectorcacheResponse,
)
from vectorcache import _generated as api
from vectorcache._call import Call, CallStopped
from vectorcache._query import Query
from vectorcache._retry import RetryQuota
from vectorcache._shared import Shared

HIT = {
    "cache_hit": True,
    "response": "answer",
    "similarity_score": 0.94,
    "cost_saved": 0.5,
    "llm_provider": "cache",
}


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Made:
    """A call in the test's own time, with what it shares."""

    def __init__(self, deadline: float | None = None, **options: Any) -> None:
        self.clock = Clock()
        self.shared = Shared(RetryQuota(500), None)
        with VectorcacheClient(KEY, **options) as client:
            settings = client._settings
        self.call = Call(
            settings,
            self.shared,
            Query("Q", "m", 0.85, "c"),
            {"x-own": "1"},
            timeout=30.0,
            deadline=deadline,
            max_retries=2,
            clock=self.clock,
            random_unit=lambda: 0.0,
        )

    @property
    def counted(self) -> dict[str, Any]:
        """What has been counted, without what is 0."""
        return {name: value for name, value in self.shared.recorder.reset().to_dict().items()
                if value and isinstance(value, int)}  # fmt: skip


def test_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """It says how it came, and is counted and logged as a hit."""
    caplog.set_level(logging.DEBUG, "vectorcache")
    made = Made()
    with made.call as call:
        attempt = call.attempt()
        attempt.line = "POST v1/cache/query"
        attempt.request_id = "abc"
        attempt.answer_headers = httpx.Headers({"X-RateLimit-Limit": "100"})
        made.clock.now += 1.5
        result = call.result(api.QueryResponse.from_dict(HIT))
    assert result == VectorcacheResponse(True, "answer", 0.94, 0.5, "cache")
    meta = result.meta
    assert (meta.status_code, meta.request_id, meta.attempts, meta.elapsed) == (200, "abc", 1, 1.5)
    assert (meta.headers["x-ratelimit-limit"], meta.rate_limit) == ("100", RateLimit(100))
    assert [record.getMessage() for record in caplog.records] == [
        "POST v1/cache/query: attempt 1 answered after 1.500 s",
        "POST v1/cache/query: 200 hit in 1.500 s (attempts 1, request abc)",
    ]
    stats = made.shared.recorder.snapshot()
    assert (stats.hits, stats.cost_saved, stats.hit_latency.max) == (1, 0.5, 1.5)
    assert list(stats.by_model_and_context) == [("m", "c")]


def test_a_miss_without_a_name(caplog: pytest.LogCaptureFixture) -> None:
    """A request to which the service gave no name is called so in the log."""
    caplog.set_level(logging.INFO, "vectorcache")
    made = Made()
    with made.call as call:
        call.attempt()
        call.result(api.QueryResponse.from_dict({**HIT, "cache_hit": False}))
    assert "200 miss in 0.000 s (attempts 1, request unnamed)" in caplog.text
    assert made.counted == {"calls": 1, "misses": 1}


class TestAnEqualCall:
    """A call that waits for the outcome of another one that asks the same."""

    def test_how_long_it_waits(self) -> None:
        """Until its own deadline, and without one for as long as it takes."""
        assert Made().call.seconds_to_wait() is None
        made = Made(deadline=5)
        made.clock.now += 3
        assert made.call.seconds_to_wait() == 2.0

    @pytest.mark.parametrize("seconds", [5.0, 6.0])
    def test_its_deadline(self, seconds: float) -> None:
        """It ends with an error of its own, that says what it waited for."""
        made = Made(deadline=5)
        made.clock.now += seconds
        with pytest.raises(APITimeoutError) as caught:
            made.call.seconds_to_wait()
        said = str(caught.value)
        assert "an equal call was waiting for its answer, and this call for the same answer" in said
        assert "the deadline of 5 s is over" in said
        assert "raise deadline=" in said
        assert caught.value.attempts == 0

    def test_its_answer(self, caplog: pytest.LogCaptureFixture) -> None:
        """It is the other call's, with no attempt of its own, and counts as a hit."""
        caplog.set_level(logging.INFO, "vectorcache")
        made = Made()
        meta = ResponseMeta(request_id="abc", attempts=3, elapsed=9.0)
        outcome = VectorcacheResponse(True, "answer", 0.94, 0.5, "cache", meta=meta)
        with made.call as call:
            made.clock.now += 2
            result = call.result_of_equal(outcome)
        assert result == outcome
        assert result is not outcome
        assert (result.meta.attempts, result.meta.elapsed) == (0, 2.0)
        assert result.meta.request_id == "abc"
        assert "the outcome of an equal call came after 2.000 s" in caplog.text
        assert made.counted == {"calls": 1, "hits": 1}

    def test_its_error(self) -> None:
        """It is a copy of the other call's, with the same cause and no attempts of its own."""
        made = Made()
        cause = OSError("refused")
        outcome = APIConnectionError("no connection", attempts=3)
        outcome.__cause__ = cause
        with pytest.raises(APIConnectionError, match="no connection") as caught, made.call as call:
            call.result_of_equal(outcome)
        assert caught.value is not outcome
        assert (caught.value.attempts, outcome.attempts) == (0, 3)
        assert caught.value.__cause__ is cause
        assert made.counted == {"calls": 1, "failed": 1}

    @pytest.mark.parametrize(("deadline", "passed"), [(None, 99), (5, 4.9)])
    def test_its_own_error_is_that_of_all(self, deadline: float | None, passed: float) -> None:
        """An error that the service or the network led to is what equal calls get, too."""
        made, error = Made(deadline=deadline), APIConnectionError("no connection")
        made.clock.now += passed
        assert made.call.outcome_for_all(error) is error

    def test_its_own_deadline_is_nobody_elses(self) -> None:
        """One that only its deadline led to is not: the next of them asks anew."""
        made = Made(deadline=5)
        made.clock.now += 5
        assert made.call.outcome_for_all(APITimeoutError("too slow")) is None


class TestFallback:
    """What stands in for the cache's answer."""

    def test_what_it_is_asked(self) -> None:
        """The query's prompt, model and context."""

        def fallback(prompt: str, model: str, context: str | None) -> str:
            return "from elsewhere"

        call = Made(fallback=fallback).call
        assert call.fallback == (fallback, "Q", "m", "c")
        assert APIConnectionError in call.stands_in_for
        assert Made().call.stands_in_for == ()

    @pytest.mark.parametrize("answer", ["from elsewhere", ""])
    def test_its_answer(self, answer: str) -> None:
        """It says what stood in, for which error, and counts as no hit or miss."""
        made = Made(fallback=lambda prompt, model, context: answer)
        error = InternalServerError("broken", status_code=503, request_id="abc", attempts=3)
        error.__context__ = OSError()
        with made.call as call:
            made.clock.now += 2
            result = call.stand_in(answer, error)
        assert result == VectorcacheResponse(False, answer, None, 0.0, "fallback")
        meta = result.meta
        assert (meta.status_code, meta.request_id, meta.attempts) == (503, "abc", 3)
        assert (meta.elapsed, meta.error) == (2.0, error)
        assert error.__context__ is None
        assert made.counted == {"calls": 1, "fallbacks": 1}

    @pytest.mark.parametrize(
        ("error", "level", "words"),
        [
            (APIStatusError("no", status_code=422), logging.INFO, "for 422"),
            (InternalServerError("no", status_code=500), logging.WARNING, "for 500"),
            (APIConnectionError("no"), logging.WARNING, "for APIConnectionError"),
        ],
    )
    def test_the_log(
        self, error: Any, level: int, words: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Only for what is a matter of course there is no warning: somebody may be paying."""
        caplog.set_level(logging.INFO, "vectorcache")
        Made(fallback=lambda prompt, model, context: "").call.stand_in("answer", error)
        (record,) = caplog.records
        assert record.levelno == level
        assert record.getMessage() == f"query: the fallback answered in 0.000 s {words}"

    @pytest.mark.parametrize("answer", [None, 7, b"x", "\ud800"])
    def test_what_is_no_answer(self, answer: object) -> None:
        """What is no text is an error that names the fallback, and the cache's error its cause."""
        error = APIConnectionError("no connection")
        with pytest.raises(ConfigurationError, match=r"^fallback must ") as caught:
            Made(fallback=lambda prompt, model, context: "").call.stand_in(answer, error)
        assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("error", "counted"),
    [(ValueError, {"failed": 1}), (KeyboardInterrupt, {"cancelled": 1})],
)
def test_a_call_without_an_answer(error: type[BaseException], counted: dict[str, int]) -> None:
    """It counts as failed, or as given up, with its attempts."""
    made = Made()

    def fail() -> None:
        with made.call as call:
            call.attempt()
            raise error

    with pytest.raises(error):
        fail()
    assert made.counted == {"calls": 1, **counted}


def test_a_call_that_is_stopped() -> None:
    """No further attempt begins, and the one on its way is given to whoever stops it."""
    made = Made()
    assert made.call.stop() is None
    other = Made().call
    attempt = other.attempt()
    assert other.stop() is attempt
    with pytest.raises(CallStopped):
        other.attempt()
