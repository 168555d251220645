"""The time limits of an attempt: its timeout, the call's deadline, and the grace after both."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from call.attempts import (
    Stream,
    make_attempt,
    request_of,
)
from clock import Clock


@pytest.mark.parametrize(
    ("timeout", "deadline", "steps", "ends"),
    [
        (30.0, None, {"connect": 30.0, "read": 30.0, "write": 30.0}, 1_030.0),
        (None, None, {"connect": None, "read": None, "write": None}, None),
        (None, 1_010.0, {"connect": 10.0, "read": 10.0, "write": 10.0}, 1_010.0),
        (30.0, 1_010.0, {"connect": 10.0, "read": 10.0, "write": 10.0}, 1_010.0),
        (5.0, 1_010.0, {"connect": 5.0, "read": 5.0, "write": 5.0}, 1_005.0),
        (5.0, 900.0, {"connect": 0.001, "read": 0.001, "write": 0.001}, 1_000.001),
        (
            httpx.Timeout(5.0, read=20.0, pool=None),
            1_010.0,
            {"connect": 5.0, "read": 10.0, "write": 5.0, "pool": 10.0},
            1_010.0,
        ),
        (
            httpx.Timeout(5.0, read=None),
            None,
            {"connect": 5.0, "read": None, "write": 5.0, "pool": 5.0},
            None,
        ),
    ],
)
def test_the_shorter_limit_holds(
    timeout: float | httpx.Timeout | None,
    deadline: float | None,
    steps: dict[str, float | None],
    ends: float | None,
) -> None:
    """Each step gets what timeout and deadline leave, counted from when it has a connection."""
    attempt = make_attempt(timeout=timeout, deadline=deadline)
    attempt.begin(None)
    limits = request_of(attempt).extensions["timeout"]
    assert limits == {step: pytest.approx(left) if left else left for step, left in steps.items()}
    assert attempt.time.ends == (None if ends is None else pytest.approx(ends))


def test_an_attempts_time_begins_with_its_connection() -> None:
    """Waiting for a free connection is not the service's doing, and not counted."""
    clock, stream = Clock(), Stream()
    attempt = make_attempt(clock)
    assert attempt.doing == "waiting for a free connection"
    assert not attempt.time.expired
    clock.now += 5
    attempt.begin(stream)
    assert attempt.trace.network_stream is stream
    assert attempt.doing == "waiting for the answer of cache.test"
    clock.now += 3
    assert attempt.time.seconds_spent == 3
    assert attempt.time.seconds_left == 27
    clock.now += 40
    assert (attempt.time.seconds_spent, attempt.time.seconds_left, attempt.time.expired) == (
        30,
        0,
        True,
    )


@pytest.mark.parametrize(
    ("timeout", "deadline", "seconds"),
    [
        (30.0, None, None),
        (30.0, 1_005.0, 5.0),
        (None, 1_005.0, 5.0),
        (httpx.Timeout(30, pool=2), None, 2.0),
        (httpx.Timeout(30, pool=2), 1_005.0, 2.0),
        (httpx.Timeout(30, pool=9), 1_005.0, 5.0),
        (httpx.Timeout(30, pool=None), 1_005.0, 5.0),
    ],
)
def test_how_long_it_may_wait_for_a_connection(
    timeout: Any, deadline: float | None, seconds: float | None
) -> None:
    """Until the call's deadline, or for as long as its timeout's ``pool`` says if that is less."""
    assert make_attempt(timeout=timeout, deadline=deadline).time.seconds_to_queue == seconds


@pytest.mark.parametrize("begun", [True, False])
def test_it_is_ended(begun: bool) -> None:
    """An attempt that another thread ends has no more time, whether it had begun or not."""
    clock, woken = Clock(), []
    attempt = make_attempt(clock, timeout=None)
    attempt.wake = lambda: woken.append(clock.now)
    if begun:
        attempt.begin(None)
    clock.now += 3
    attempt.end_now()
    assert woken == [1_003.0]
    if not begun:
        attempt.begin(None)
    assert (attempt.time.ends, attempt.time.expired, attempt.time.seconds_left) == (
        1_003.0,
        True,
        0.0,
    )


@pytest.mark.parametrize(("timeout", "spent"), [(None, 7.0), (5.0, 5.0), (9.0, 7.0)])
def test_the_seconds_it_spent(timeout: float | None, spent: float) -> None:
    """They count from its connection, and no further than its own end."""
    clock = Clock()
    attempt = make_attempt(clock, timeout=timeout)
    clock.now += 100
    attempt.begin(None)
    clock.now += 7
    assert attempt.time.seconds_spent == spent


def test_an_answer_that_goes_on_after_its_time() -> None:
    """What had arrived when the time was up may be read for a tenth of a second, and no longer."""
    clock = Clock()
    attempt = make_attempt(clock, timeout=5.0)
    attempt.begin(None)
    clock.now += 4
    attempt.time.refuse_more_if_late()
    clock.now += 60
    attempt.time.refuse_more_if_late()
    clock.now += 0.09
    attempt.time.refuse_more_if_late()
    clock.now += 0.02
    with pytest.raises(httpx.ReadTimeout, match=r"^the answer had not ended$"):
        attempt.time.refuse_more_if_late()


@pytest.mark.parametrize(("read", "kept"), [(2.0, 2.0), (5.0, None), (9.0, None)])
def test_the_time_limit_for_a_task(read: float, kept: float | None) -> None:
    """A sender gets the seconds left for the whole; only steps with shorter limits keep them."""
    clock = Clock()
    timeout = httpx.Timeout(None, read=read)
    attempt = make_attempt(clock, timeout=timeout, deadline=1_005.0)
    attempt.begin(None)
    clock.now += 1
    assert attempt.time.overall_limit() == 4.0
    assert attempt.time.timeouts == {"connect": None, "read": kept, "write": None, "pool": None}


@pytest.mark.parametrize("began", [1_000.1, 1_234.5678, 23_000.123])
def test_a_time_limit_is_not_rounded(began: float) -> None:
    """A step that may take as long as the whole attempt has no limit of its own, at any time."""
    clock = Clock()
    clock.now = began
    attempt = make_attempt(clock, timeout=0.4)
    attempt.begin(None)
    assert attempt.time.overall_limit() == pytest.approx(0.4)
    assert attempt.time.timeouts == {"connect": None, "read": None, "write": None}


def test_no_time_limit_for_a_task() -> None:
    """An attempt without an end leaves each step the limit that it has."""
    attempt = make_attempt(timeout=httpx.Timeout(None, read=9.0))
    attempt.begin(None)
    assert attempt.time.overall_limit() is None
    assert attempt.time.timeouts["read"] == 9.0
