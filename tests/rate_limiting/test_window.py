"""The moving window: it allows the whole limit in any period, and never more."""

from __future__ import annotations

from collections import deque

import pytest
from clock import Clock
from hypothesis import given
from hypothesis import strategies as st
from rate_limiting.gates import lets_go

from vectorcache._rate_limit.gate import RateGate
from vectorcache._rate_limit.window import MovingWindow, Rate

RATES = st.builds(Rate, st.integers(1, 30), st.sampled_from([1, 60, 3_600]))
# Times between requests in parts of the period, from "at the same time" to "long after".
PAUSES = st.lists(st.one_of(st.just(0.0), st.floats(0, 0.2), st.floats(0, 3)), max_size=120)


@given(RATES, PAUSES)
def test_never_more_in_any_window(rate: Rate, pauses: list[float]) -> None:
    """No window of the period's length holds more than the limit, whenever requests come."""
    clock, gone = Clock(), deque[float]()
    gate = RateGate(rate, clock)
    for pause in pauses:
        clock.now += pause * rate.period
        gone.extend(clock.now for _ in lets_go(gate, 3))
    for first, over in zip(gone, list(gone)[rate.requests :], strict=False):
        assert over - first >= rate.window > rate.period


@given(RATES, PAUSES, st.integers(0, 70))
def test_the_wait_is_right(rate: Rate, pauses: list[float], ahead: int) -> None:
    """A request goes after exactly its delay, if those before it go when they may."""
    now, window = 0.0, MovingWindow(rate)
    for pause in pauses:
        now += pause * rate.period
        if window.wait(0, now) <= 0:
            window.add(now)
    told = now + window.wait(ahead, now)
    for _ in range(ahead):
        now += window.wait(0, now)
        window.add(now)
    assert now + window.wait(0, now) == pytest.approx(max(now, told))


def test_the_margin() -> None:
    """The client's period is 1 % and 30 ms longer, as the service counts when requests arrive."""
    assert Rate(100, 60).window == pytest.approx(60.63)
    clock = Clock()
    gate = RateGate(Rate(100, 60), clock)
    assert len(lets_go(gate)) == 100
    clock.now += 60.62
    assert lets_go(gate) == []
    clock.now += 0.02
    assert len(lets_go(gate)) == 100


@pytest.mark.parametrize("requests", [10_001, 25_000, 999_999_999_999])
def test_a_large_limit(requests: int) -> None:
    """Limits of any size are kept in bounded memory, and never exceeded."""
    window = MovingWindow(Rate(requests, 60))
    window.add(0.0, min(requests, 1_000_000))
    left = requests - window.used(1.0)
    assert left == max(0, requests - 1_000_000)
    assert (window.wait(0, 1.0) > 0) is (left == 0)
    window.add(1.0, min(left, 1_000_000))
    assert window.used(60.7) <= requests
    assert window.used(61.7) == 0


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 60))
def test_another_limit(before: int, after: int, sent: int) -> None:
    """When the limit changes, what was sent still counts."""
    window = MovingWindow(Rate(before, 60))
    sent = min(sent, before)
    for number in range(sent):
        window.add(float(number) / 100)
    resized = window.resized(Rate(after, 60))
    assert resized.used(1.0) == min(sent, after)
    assert (resized.wait(0, 1.0) > 0) is (sent >= after)


def test_another_large_limit() -> None:
    """What was sent still counts if the window keeps one time for several requests."""
    window = MovingWindow(Rate(25_000, 60))
    window.add(0.0, 20_000)
    assert window.resized(Rate(30_000, 60)).used(1.0) == 20_000


def test_when_a_request_no_longer_counts() -> None:
    """A request counts until the window's length has passed, and no longer."""
    rate = Rate(2, 60)
    window = MovingWindow(rate)
    window.add(0.0)
    window.add(10.0)
    assert window.wait(0, 20.0) == pytest.approx(rate.window - 20)
    assert window.wait(0, rate.window - 0.001) == pytest.approx(0.001)
    assert window.used(rate.window - 0.001) == 2
    assert window.wait(0, rate.window) == 0.0
    assert window.used(rate.window) == 1


def test_a_group_counts_until_its_last_request_does_not() -> None:
    """If the window keeps one time for several requests, it is the time of the last one."""
    rate = Rate(30_000, 60)
    window = MovingWindow(rate)
    window.add(0.0)
    window.add(30.0)
    assert window.used(61.0) == 2
    assert window.used(30.0 + rate.window) == 0


def test_the_memory_of_a_large_limit() -> None:
    """At most 10,000 times are kept, however large the limit is."""
    window = MovingWindow(Rate(1_000_000, 60))
    window.add(0.0, 1_000_000)
    assert len(window._times) == 10_000
    assert window.used(1.0) == 1_000_000
