"""The rules of retrying under any policy and any sequence of outcomes, without network or clock."""

from __future__ import annotations

from clients import KEY
from clock import Clock
from hypothesis import given
from hypothesis import strategies as st
from properties.effort import examples

from vectorcache import APIStatusError, RetryPolicy, VectorcacheClient, VectorcacheError
from vectorcache._call.call import Call
from vectorcache._call.client_state import ClientState
from vectorcache._call.failure import Failure, Repeat
from vectorcache._call.network_errors import failure_from_full_queue
from vectorcache._call.options import CallOptions
from vectorcache._call.retry import RetryQuota
from vectorcache._query import Query
from vectorcache_api.models import QueryResponse

CHEAPEST, DEAREST = 5, 14

_SECONDS = st.floats(0, 100) | st.sampled_from([0, 1e-9, 1e8])
POLICIES = st.builds(
    RetryPolicy,
    transient_backoff=_SECONDS,
    throttled_backoff=_SECONDS,
    max_backoff=_SECONDS,
    uncertain_delay=_SECONDS,
    max_retry_after=_SECONDS,
    quota=st.floats(0, 200) | st.just(0),
)
HINTS = st.none() | st.floats(0, 366 * 86_400, exclude_min=True)
FAILURES = st.builds(
    lambda text, repeat, status, hint: Failure(
        error=APIStatusError,
        text=text,
        repeat=repeat,
        status_code=status,
        retry_after=hint,
    ),
    st.sampled_from(["it failed", "it failed otherwise", "{base_url} {0}"]),
    st.sampled_from(list(Repeat)),
    st.none() | st.integers(100, 999),
    HINTS,
)
NO_CONNECTION = failure_from_full_queue(max_connections=1)
# For each attempt, the seconds that it takes and its failure; None for an answer.
COURSES = st.lists(
    st.tuples(st.floats(0, 20), st.none() | st.just(NO_CONNECTION) | FAILURES),
    min_size=1,
    max_size=15,
)

ANSWER = QueryResponse(cache_hit=True, response="R", cost_saved=0, llm_provider="cache")


class Course:
    """One call from beginning to end, with checks that must hold for every call."""

    def __init__(
        self, policy: RetryPolicy, quota: RetryQuota, deadline: float | None, max_retries: int
    ) -> None:
        self.clock = Clock()
        self.attempts = 0
        self.reconnections = 0
        self.uncertain = 0
        self.paid = 0
        self.answered = False
        self._policy = policy
        self._quota = quota
        self._ends = None if deadline is None else self.clock.now + deadline
        self._max_retries = max_retries
        self._call = Call(
            VectorcacheClient(KEY, retry=policy)._settings,
            ClientState(quota),
            Query("Q", "m", 0.85),
            CallOptions({}, None, deadline, max_retries),
            clock=self.clock,
            random_unit=lambda: 1.0,
        )

    def run(self, course: list[tuple[float, Failure | None]]) -> None:
        for took, failure in course:
            self._call.attempt()
            self.attempts += 1
            self.clock.now += took
            if failure is None:
                assert self._call.result(ANSWER).meta.attempts >= 1
                self.answered = True
                break
            before = self._quota.tokens
            try:
                delay = self._call.delay_after(failure)
            except VectorcacheError as error:
                assert error.retry_after == failure.retry_after
                assert error.attempts <= self._max_retries + 1
                assert self._quota.tokens == before
                break
            self._check(failure, delay, before - self._quota.tokens)
            self.clock.now += delay

    def _check(self, failure: Failure, delay: float, cost: float) -> None:
        assert failure.repeat is not Repeat.NEVER
        if cost == 0:
            # This does not count as an attempt: an idle connection was closed while we wrote to it.
            assert failure.repeat is Repeat.STALE_CONNECTION
            assert delay == 0
            self.reconnections += 1
            return
        self.paid += 1
        self.uncertain += failure.repeat in (Repeat.UNCERTAIN, Repeat.STALE_CONNECTION)
        assert CHEAPEST <= round(cost) <= DEAREST
        assert self._ends is None or self.clock.now + delay < self._ends
        if failure.retry_after is not None:
            assert delay == failure.retry_after <= self._policy.max_retry_after
        else:
            assert 0 <= delay <= max(self._policy.max_backoff, self._policy.uncertain_delay)


@given(POLICIES, COURSES, st.none() | st.floats(0.001, 100), st.integers(0, 8))
@examples(300)
def test_one_call(
    policy: RetryPolicy,
    course: list[tuple[float, Failure | None]],
    deadline: float | None,
    max_retries: int,
) -> None:
    """Attempts, waits, and retries of uncertain requests stay within their limits in every call."""
    call = Course(policy, RetryQuota(policy.quota), deadline, max_retries)
    call.run(course)
    assert call.attempts <= max_retries + 1 + call.reconnections
    assert call.reconnections <= 1
    assert call.uncertain <= 1


@given(POLICIES, st.lists(COURSES, min_size=1, max_size=12), st.integers(0, 8))
@examples(200)
def test_many_calls_of_one_client(
    policy: RetryPolicy, courses: list[list[tuple[float, Failure | None]]], max_retries: int
) -> None:
    """All calls of a client together retry no more than the quota allows."""
    quota = RetryQuota(policy.quota)
    attempts = reconnections = returned = 0.0
    for course in courses:
        call = Course(policy, quota, None, max_retries)
        call.run(course)
        attempts += call.attempts
        reconnections += call.reconnections
        returned += DEAREST if call.answered else 0
        assert 0 <= quota.tokens <= policy.quota
    assert attempts <= len(courses) + reconnections + (policy.quota + returned) / CHEAPEST


@given(POLICIES, st.integers(1, 60), st.integers(0, 8), st.sampled_from(list(Repeat)))
@examples(100)
def test_an_outage_is_not_multiplied(
    policy: RetryPolicy, calls: int, max_retries: int, repeat: Repeat
) -> None:
    """During an outage each call makes one attempt, plus the retries that the quota allows."""
    quota = RetryQuota(policy.quota)
    failure = Failure(error=APIStatusError, text="it failed", repeat=repeat)
    attempts = 0
    for _ in range(calls):
        call = Course(policy, quota, None, max_retries)
        call.run([(0.1, failure)] * 15)
        attempts += call.attempts - call.reconnections
    cost = CHEAPEST if repeat is Repeat.THROTTLED else DEAREST
    assert attempts <= calls + policy.quota / cost
