"""Who leads when several callers ask the same, and what the others get; without a client."""

from __future__ import annotations

import attrs
import pytest

from vectorcache import APITimeoutError, ResponseMeta, VectorcacheResponse
from vectorcache._call.coalescing import Coalescing, Member, copy_of

MISS = VectorcacheResponse(
    False, "answer", None, 0.0, "openai", extra={"later": [1]}, meta=ResponseMeta(attempts=3)
)


class Callers:
    """Callers with names, and the names of those that were woken."""

    def __init__(self) -> None:
        self.questions: Coalescing[str] = Coalescing()
        self.woken: list[str] = []

    def join(self, name: str, key: str = "question") -> Member[str]:
        member: Member[str] = Member(key, lambda: self.woken.append(name))
        self.questions.join(member)
        return member


@pytest.fixture
def callers() -> Callers:
    """Callers that have not sent a query yet."""
    return Callers()


def test_the_first_leads(callers: Callers) -> None:
    """The first caller leads, those who ask the same wait, and other questions lead themselves."""
    members = [callers.join("a"), callers.join("b"), callers.join("c"), callers.join("d", "other")]
    assert [member.waits for member in members] == [False, True, True, False]
    assert callers.woken == []


def test_the_leaders_outcome_is_for_all(callers: Callers) -> None:
    """All waiting callers get the outcome and are woken; a later call sends its own request."""
    leader, *others = [callers.join(name) for name in "abc"]
    callers.questions.leave(leader, "outcome")
    assert [member.outcome for member in others] == ["outcome", "outcome"]
    assert not any(member.waits for member in others)
    assert callers.woken == ["b", "c"]
    assert not callers.join("d").waits


def test_a_leader_that_gives_up(callers: Callers) -> None:
    """The next in line leads, and is woken; it has no outcome."""
    leader, second, third = (callers.join(name) for name in "abc")
    callers.questions.leave(leader)
    assert callers.woken == ["b"]
    assert (second.waits, second.outcome, third.waits) == (False, None, True)
    callers.questions.leave(second, "outcome")
    assert (third.outcome, callers.woken) == ("outcome", ["b", "c"])


def test_one_that_waits_gives_up(callers: Callers) -> None:
    """The others wait on, even where the one that gives up has an outcome of another kind."""
    leader, second, third = (callers.join(name) for name in "abc")
    callers.questions.leave(second, "its own")
    assert (leader.outcome, third.outcome, third.waits) == (None, None, True)
    callers.questions.leave(leader, "outcome")
    assert (second.outcome, third.outcome) == (None, "outcome")


def test_leaving_twice(callers: Callers) -> None:
    """A caller that was interrupted may leave again, whether others ask the same by then or not."""
    first = callers.join("a")
    callers.questions.leave(first, "outcome")
    callers.questions.leave(first, "outcome")
    leader, second = callers.join("b"), callers.join("c")
    callers.questions.leave(first, "outcome")
    assert (second.waits, second.outcome) == (True, None)
    callers.questions.leave(leader)
    callers.questions.leave(leader)
    assert not second.waits


def test_the_last_one_leaves_nothing(callers: Callers) -> None:
    """When all have given up the next caller leads, and nothing is kept."""
    for _ in range(2):
        members = [callers.join("a"), callers.join("b")]
        assert [member.waits for member in members] == [False, True]
        for member in members:
            callers.questions.leave(member)
    assert callers.questions._questions == {}


def test_an_answer_is_copied() -> None:
    """A waiting call's answer says the same, shares no object, and has its own attempts."""
    copied = copy_of(MISS, 2.5)
    assert copied == MISS
    assert copied.extra is not MISS.extra
    assert copied.extra["later"] is not MISS.extra["later"]
    assert copied.meta == attrs.evolve(MISS.meta, attempts=0, elapsed=2.5)
    assert MISS.meta.attempts == 3


def test_an_error_is_copied() -> None:
    """A waiting call raises a copy of the error, with the same cause and no attempts."""
    error = APITimeoutError("too slow", body={"detail": []}, attempts=3)
    error.__cause__ = OSError("cause")
    with pytest.raises(APITimeoutError, match=r"^too slow$") as caught:
        copy_of(error, 2.5)
    assert caught.value is not error
    assert caught.value.body is not error.body and caught.value.body == {"detail": []}
    assert caught.value.__cause__ is error.__cause__
    assert (caught.value.attempts, error.attempts) == (0, 3)
