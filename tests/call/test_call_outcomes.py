"""What a call comes to: its own answer or an equal call's, and what is told; no network."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from call.made_calls import BROKEN, HIT, Made
from clients import KEY

from vectorcache import (
    APIConnectionError,
    APITimeoutError,
    FailedAttempt,
    FinishedCall,
    ObservedCall,
    Observer,
    RateLimit,
    ResponseMeta,
    VectorcacheResponse,
)
from vectorcache import _generated as api
from vectorcache._call.call import CallStopped
from vectorcache._call.failure import Repeat


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
    stats = made.state.recorder.snapshot()
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
        assert "the answer of an equal call, which this call waited for, had not arrived" in said
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

    def test_its_deadline_is_its_own(self) -> None:
        """One that only its deadline led to is not: the next of them asks anew."""
        made = Made(deadline=5)
        made.clock.now += 5
        assert made.call.outcome_for_all(APITimeoutError("too slow")) is None

    def test_the_rate_limit_leaves_no_time(self) -> None:
        """Nor is one that the wait for a turn would have outlived: others may have longer."""
        made = Made(deadline=5, requests=1)
        assert made.call.seconds_to_turn() == 0
        made.call.attempt()
        made.call.delay_after(BROKEN)
        with pytest.raises(APITimeoutError) as caught:
            made.call.seconds_to_turn()
        said = str(caught.value)
        assert said.startswith(
            "the client's rate limit (1 per minute) has no slot for 61 s, and the deadline is 5 s ("
        )
        assert said.endswith("; try again later, or raise deadline= or rate_limit=")
        assert made.call.outcome_for_all(caught.value) is None

    def test_the_retry_comes_too_late(self) -> None:
        """Nor is one that its deadline kept from being tried again."""
        made = Made(deadline=5)
        made.call.attempt()
        with pytest.raises(APIConnectionError) as caught:
            made.call.delay_after(BROKEN._replace(repeat=Repeat.THROTTLED, retry_after=10.0))
        assert made.call.outcome_for_all(caught.value) is None
        assert Made().call.outcome_for_all(caught.value) is caught.value


class Notebook(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def call_started(self, call: ObservedCall) -> None:
        self.told.append(call)

    def attempt_failed(self, call: ObservedCall, attempt: FailedAttempt) -> None:
        self.told.append((call, attempt))

    def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
        self.told.append((call, end))


def test_what_observers_are_told() -> None:
    """The query and the service, each failed attempt with what follows it, and the end."""
    notebook = Notebook()
    made = Made(observers=[notebook], base_url="https://cache.test/below")
    with made.call as call:
        call.attempt()
        made.clock.now += 2
        delay = call.delay_after(BROKEN)
        made.clock.now += 1
        call.attempt()
        result = call.result(api.QueryResponse.from_dict(HIT))
    started, (failed_call, failed), (finished_call, end) = notebook.told
    assert started is failed_call is finished_call
    assert (started.query, started.host) == (call.query, "cache.test")
    assert str(started.base_url).startswith("https://cache.test/below")
    assert (failed.number, failed.error, failed.elapsed) == (1, APIConnectionError, 2.0)
    assert (failed.status_code, failed.retry_in) == (None, delay)
    assert (end.result, end.error, end.attempts, end.elapsed) == (result, None, 2, 3.0)


def test_what_was_never_sent_is_not_a_failed_attempt() -> None:
    """Observers are told of attempts that reached the network, and of the end all the same."""
    notebook = Notebook()
    made = Made(observers=[notebook])
    made.call.attempt()
    with pytest.raises(APIConnectionError), made.call as call:
        call.delay_after(BROKEN._replace(sent=False, repeat=Repeat.NEVER))
    assert len(notebook.told) == 2


def test_what_an_attempt_carries() -> None:
    """The call's headers, and the client's key."""
    attempt = Made().call.attempt()
    attempt.begin(None)
    request = attempt.request(method="post", url="v1/x", json={}, headers={})
    assert request.headers["x-own"] == "1"
    assert request.headers["authorization"] == f"Bearer {KEY}"


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
    """No further attempt begins, and ``stop`` returns the one in progress."""
    made = Made()
    assert made.call.stop() is None
    other = Made().call
    attempt = other.attempt()
    assert other.stop() is attempt
    with pytest.raises(CallStopped):
        other.attempt()
