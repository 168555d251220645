"""The rules of retrying: outcomes go in, delays come out, without network or clock."""

from __future__ import annotations

from typing import Any

import pytest
from call.made_calls import make_call
from clock import Clock
from hypothesis import given
from hypothesis import strategies as st

from vectorcache import APIStatusError, RetryPolicy, VectorcacheError
from vectorcache._call.call import Call
from vectorcache._call.failure import Failure, Repeat
from vectorcache._call.retry import RetryQuota, backoff

TRANSIENT, THROTTLED, UNCERTAIN = Repeat.TRANSIENT, Repeat.THROTTLED, Repeat.UNCERTAIN


def failure(repeat: Repeat, **facts: Any) -> Failure:
    return Failure(error=APIStatusError, text="it failed", repeat=repeat, **facts)


def delays(call: Call, *failures: Failure) -> list[float | str]:
    """What each failure leads to: a delay, or the error that ends the call."""
    found: list[float | str] = []
    for one in failures:
        call.attempt()
        try:
            found.append(call.delay_after(one))
        except VectorcacheError as error:
            found.append(str(error))
            break
    return found


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        (TRANSIENT, [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]),
        (THROTTLED, [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0]),
    ],
)
def test_backoff_doubles_up_to_its_cap(repeat: Repeat, expected: list[float]) -> None:
    """The longest possible waits double from 50 ms, or 1 s where throttled, up to 10 s."""
    call = make_call(max_retries=20)
    assert delays(call, *[failure(repeat)] * 10) == pytest.approx(expected)


@given(
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([TRANSIENT, THROTTLED]),
    st.integers(1, 10**9),
)
def test_backoff_is_jittered_over_its_whole_range(unit: float, repeat: Repeat, retry: int) -> None:
    """Full jitter: any wait from nothing to the cap, however many retries there were."""
    longest = backoff(RetryPolicy(), repeat, retry, lambda: 1.0)
    assert 0 <= backoff(RetryPolicy(), repeat, retry, lambda: unit) == unit * longest <= 10


def test_retries_end_after_their_number() -> None:
    """max_retries=2 is three attempts; max_retries=0 is one."""
    *waits, end = delays(make_call(), *[failure(TRANSIENT)] * 5)
    assert len(waits) == 2
    assert "3 attempts" in str(end)
    (end,) = delays(make_call(max_retries=0), failure(TRANSIENT))
    assert "1 attempt " in str(end)


def test_what_cannot_succeed_is_never_repeated() -> None:
    """An answer that will be the same again ends the call."""
    (end,) = delays(make_call(), failure(Repeat.NEVER))
    assert "1 attempt " in str(end)


def test_what_may_have_been_paid_for_is_repeated_once() -> None:
    """A request that may have reached the service is sent again at most once, after a second."""
    wait, end = delays(make_call(unit=0.0), *[failure(UNCERTAIN)] * 3)
    assert wait == 1.0
    assert "repeated only once" in str(end)


def test_other_failures_around_an_uncertain_one() -> None:
    """The one uncertain repeat is counted over the whole call."""
    call = make_call(max_retries=9, unit=0.0)
    found = delays(
        call, failure(TRANSIENT), failure(UNCERTAIN), failure(TRANSIENT), failure(UNCERTAIN)
    )
    assert found[:3] == [0.0, 1.0, 0.0]
    assert "repeated only once" in str(found[3])


def test_a_connection_closed_while_idle_does_not_count() -> None:
    """The first such failure is repeated at once on a fresh connection, and not counted."""
    call = make_call(max_retries=0)
    assert not call.attempt().needs_new_connection
    assert call.delay_after(failure(Repeat.STALE_CONNECTION)) == 0.0
    assert call.attempt().needs_new_connection
    with pytest.raises(VectorcacheError) as caught:
        call.delay_after(failure(Repeat.STALE_CONNECTION))
    assert caught.value.attempts == 1


@pytest.mark.parametrize("hint", [0.2, 1.0, 27.0, 60.0])
def test_hints_are_honoured_to_the_letter(hint: float) -> None:
    """The service's own wait is never shortened, jittered or replaced."""
    for unit in (0.0, 1.0):
        call = make_call(unit=unit)
        assert delays(call, failure(THROTTLED, retry_after=hint)) == [hint]


def test_a_hint_that_is_too_long_ends_the_call() -> None:
    """Beyond the cap the caller decides: the error comes at once and has retry_after."""
    call = make_call()
    call.attempt()
    with pytest.raises(APIStatusError, match="try again in 61 s") as caught:
        call.delay_after(failure(THROTTLED, retry_after=61.0))
    assert caught.value.retry_after == 61.0


def test_no_wait_reaches_past_the_deadline() -> None:
    """A wait that would end after the deadline ends the call at once instead."""
    clock = Clock()
    call = make_call(clock, deadline=10.0)
    call.attempt()
    clock.now += 8
    assert call.delay_after(failure(THROTTLED, retry_after=1.9)) == 1.9
    call.attempt()
    with pytest.raises(APIStatusError, match="deadline of 10 s"):
        call.delay_after(failure(THROTTLED, retry_after=2.0))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Repeat)),
            st.none() | st.floats(0.001, 100),
            st.floats(0, 20),
        ),
        max_size=12,
    ),
    st.none() | st.floats(0.1, 60),
    st.integers(0, 5),
    st.floats(0, 1),
)
def test_any_sequence_of_outcomes_keeps_the_limits(
    outcomes: list[tuple[Repeat, float | None, float]],
    deadline: float | None,
    max_retries: int,
    unit: float,
) -> None:
    """Whatever happens, attempts stay within max_retries and waits within the deadline."""
    clock = Clock()
    started = clock.now
    call = make_call(clock, deadline=deadline, max_retries=max_retries, unit=unit)
    sent = reconnections = 0
    for repeat, hint, took in outcomes:
        call.attempt()
        sent += 1
        clock.now += took
        try:
            delay = call.delay_after(failure(repeat, retry_after=hint))
        except VectorcacheError as error:
            assert error.attempts == sent - reconnections
            break
        reconnections += delay == 0.0 and repeat is Repeat.STALE_CONNECTION
        clock.now += delay
        assert 0 <= delay <= 60
        assert deadline is None or delay == 0 or clock.now < started + deadline
        assert hint is None or delay in (hint, 0.0)
    assert sent - reconnections <= max_retries + 1
    assert reconnections <= 1


class TestQuota:
    """The tokens that keep retries from multiplying an outage."""

    def test_an_outage_costs_few_retries(self) -> None:
        """With everything failing, all calls together repeat 35 times, and then no more."""
        quota = RetryQuota(500)
        repeated = 0
        for _ in range(1_000):
            first, *_ = delays(make_call(quota=quota), failure(TRANSIENT))
            repeated += not isinstance(first, str)
        assert repeated == 500 // 14
        (end,) = delays(make_call(quota=quota), failure(TRANSIENT))
        assert "retry quota" in str(end)

    def test_throttling_costs_less(self) -> None:
        """Waiting cures throttling, so 100 such retries are paid for."""
        quota = RetryQuota(500)
        repeated = sum(quota.spend(THROTTLED) is not None for _ in range(200))
        assert repeated == 100

    def test_success_returns_what_the_retry_cost(self) -> None:
        """A success gives back its last retry's tokens, and one where it needed none."""
        quota = RetryQuota(500)
        spent = quota.spend(TRANSIENT)
        assert (spent, quota.tokens) == (14, 486)
        quota.give_back(0.0)
        assert quota.tokens == 487
        quota.give_back(14)
        assert quota.tokens == 500

    @given(st.lists(st.sampled_from([TRANSIENT, THROTTLED, None])))
    def test_the_quota_stays_within_its_bounds(self, steps: list[Repeat | None]) -> None:
        """Tokens never fall below none nor rise above the quota."""
        quota = RetryQuota(30)
        for step in steps:
            if step is None:
                quota.give_back(14)
            else:
                quota.spend(step)
            assert 0 <= quota.tokens <= 30


@pytest.mark.parametrize("value", [-1, "1", None, float("nan"), float("inf"), 1e9, True])
def test_a_policy_is_checked(value: Any) -> None:
    """A policy that makes no sense is refused where it is made."""
    with pytest.raises(ValueError, match="transient_backoff"):
        RetryPolicy(transient_backoff=value)


def test_a_policy_for_tests_waits_for_nothing_but_hints() -> None:
    """Users' tests need no sleeps: without_waiting() keeps the retries and drops the waits."""
    call = make_call(policy=RetryPolicy.without_waiting(), max_retries=4)
    failures = [failure(TRANSIENT), failure(UNCERTAIN), failure(THROTTLED)]
    found = delays(call, *failures, failure(THROTTLED, retry_after=0.5))
    assert found == [0.0, 0.0, 0.0, 0.5]
