"""The line of the calls that wait: first come, first served, however many leave it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vectorcache._rate_limit.gate import Permit, RateGate
from vectorcache._rate_limit.line import Line
from vectorcache._rate_limit.window import Rate


def new_permit() -> Permit:
    return RateGate(Rate(1, 60)).permit()


@given(st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=200))
def test_as_a_list(course: list[int | None]) -> None:
    """The order is that of a list, whichever permits join (None) and leave (by their place)."""
    line, waiting = Line(), list[Permit]()
    for step in course:
        if step is None:
            waiting.append(new_permit())
            assert waiting[-1].ahead(line) == len(waiting) - 1
        elif waiting:
            waiting.pop(step % len(waiting)).leave(line)
        assert len(line) == len(waiting)
        assert [permit.ahead(line) for permit in waiting] == list(range(len(waiting)))


def test_leaving_twice() -> None:
    """The permits behind one that leaves twice move up once."""
    line, first, second, third = Line(), new_permit(), new_permit(), new_permit()
    for number, permit in enumerate((first, second, third)):
        assert permit.ahead(line) == number
    first.leave(line)
    first.leave(line)
    assert [second.ahead(line), third.ahead(line)] == [0, 1]


def test_leaving_before_joining() -> None:
    """A permit that has never waited leaves no gap."""
    line, first = Line(), new_permit()
    assert first.ahead(line) == 0
    new_permit().leave(line)
    assert first.ahead(line) == 0


def test_nothing_is_kept_of_permits_that_left() -> None:
    """A line through which any number of requests go does not grow."""
    line = Line()
    for _ in range(10):
        permits = [new_permit() for _ in range(5)]
        for permit in permits:
            permit.ahead(line)
        for number in (2, 1, 4, 0, 3):
            permits[number].leave(line)
        assert len(line) == len(line._empty) == 0


def test_waiting_grants_nothing() -> None:
    """A permit is granted only by its gate."""
    line, permit = Line(), new_permit()
    permit.ahead(line)
    permit.leave(line)
    assert permit.granted is False
