"""A fixed limit for one process: which request goes when."""

from __future__ import annotations

import os
import threading

import pytest
from clock import Clock
from hypothesis import given
from hypothesis import strategies as st
from rate_limiting.gates import lets_go, waiting

from vectorcache._rate_limit import gate as gate_module
from vectorcache._rate_limit.gate import RateGate
from vectorcache._rate_limit.window import Rate

MINUTE = Rate(10, 60)


def test_no_wait_up_to_the_limit() -> None:
    """A burst of the whole limit goes at once; the next waits until the first leaves the window."""
    clock = Clock()
    gate = RateGate(MINUTE, clock)
    assert len(lets_go(gate)) == 10
    clock.now += 20
    permit = gate.permit()
    assert gate.delay(permit) == pytest.approx(MINUTE.window - 20)


def test_those_behind_wait_for_later_places() -> None:
    """Each waiting request gets its own delay: the eleventh that of a second minute."""
    clock = Clock()
    gate = RateGate(MINUTE, clock)
    lets_go(gate)
    delays = [gate.delay(gate.permit()) for _ in range(21)]
    assert delays == pytest.approx([MINUTE.window] * 10 + [2 * MINUTE.window] * 10 + [181.89])


def test_first_come_first_served() -> None:
    """A later request does not go before an earlier one, even if it asks first."""
    clock = Clock()
    gate = RateGate(Rate(1, 60), clock)
    lets_go(gate)
    first, second = waiting(gate, 2)
    clock.now += 61
    assert gate.delay(second) > 0
    assert gate.delay(first) == 0


def test_asking_again_changes_nothing() -> None:
    """A request that may go counts once, however often it asks."""
    gate = RateGate(MINUTE, Clock())
    permit = gate.permit()
    assert [gate.delay(permit) for _ in range(20)] == [0.0] * 20
    assert len(lets_go(gate)) == 9


def test_giving_up_lets_others_move_up() -> None:
    """When a request gives up its place, those behind it move up, and only once."""
    clock = Clock()
    gate = RateGate(Rate(1, 60), clock)
    lets_go(gate)
    first, second, third = waiting(gate, 3)
    gate.give_up(second)
    gate.give_up(second)
    clock.now += 61
    assert gate.delay(third) > 0
    assert gate.delay(first) == 0
    clock.now += 61
    assert gate.delay(third) == 0


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["ask", "leave", "pass"]))))
def test_no_request_takes_the_turn_of_another(course: list[tuple[int, str]]) -> None:
    """When a request may go, all requests before it may go at once, too."""
    clock = Clock()
    gate = RateGate(Rate(3, 60), clock)
    lets_go(gate)
    line = dict(enumerate(waiting(gate, 31)))
    for number, event in course:
        if event == "pass":
            clock.now += 21
        elif number in line and event == "leave":
            gate.give_up(line.pop(number))
        elif number in line and gate.delay(line[number]) == 0:
            for other in [one for one in line if one <= number]:
                assert gate.delay(line.pop(other)) == 0


def test_many_threads() -> None:
    """Threads that ask at the same time get together no more than the limit."""
    gate = RateGate(Rate(500, 60), Clock())
    gone = []

    def ask() -> None:
        for _ in range(200):
            permit = gate.permit()
            if gate.delay(permit) == 0:
                gone.append(permit)
            else:
                gate.give_up(permit)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gone) == 500


def test_a_fork_has_an_empty_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fork the line of the child is empty, and what its parent sent still counts."""
    clock = Clock()
    gate = RateGate(MINUTE, clock)
    lets_go(gate, 9)
    lets_go(gate, 1)
    waiting(gate, 5)
    monkeypatch.setattr(gate_module, "getpid", lambda: os.getpid() + 1)
    mine = gate.permit()
    assert gate.delay(mine) == pytest.approx(MINUTE.window)
    clock.now += 61
    assert gate.delay(mine) == 0
