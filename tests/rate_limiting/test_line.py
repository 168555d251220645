"""The line of those who wait: first come, first served, however many leave it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vectorcache._rate_limit.line import Line, Permit


@given(st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=200))
def test_as_a_list(course: list[int | None]) -> None:
    """Whoever joins (None) and leaves (the one at that place), the order is that of a list."""
    line, people = Line(), list[Permit]()
    for step in course:
        if step is None:
            people.append(Permit())
            assert people[-1].ahead(line) == len(people) - 1
        elif people:
            people.pop(step % len(people)).leave(line)
        assert len(line) == len(people)
        assert [one.ahead(line) for one in people] == list(range(len(people)))


def test_leaving_twice() -> None:
    """Nobody moves up twice for one who leaves."""
    line, first, second, third = Line(), Permit(), Permit(), Permit()
    for number, permit in enumerate((first, second, third)):
        assert permit.ahead(line) == number
    first.leave(line)
    first.leave(line)
    assert [second.ahead(line), third.ahead(line)] == [0, 1]


def test_leaving_before_joining() -> None:
    """Who has never waited leaves no gap."""
    line, first = Line(), Permit()
    assert first.ahead(line) == 0
    Permit().leave(line)
    assert first.ahead(line) == 0


def test_nothing_is_kept_of_those_who_left() -> None:
    """A line through which any number of requests go does not grow."""
    line = Line()
    for _ in range(10):
        permits = [Permit() for _ in range(5)]
        for permit in permits:
            permit.ahead(line)
        for number in (2, 1, 4, 0, 3):
            permits[number].leave(line)
        assert len(line) == len(line._left) == 0


def test_who_only_waits_has_not_gone() -> None:
    """A permit has gone only once its gate says so."""
    line, permit = Line(), Permit()
    permit.ahead(line)
    permit.leave(line)
    assert permit.gone is False
