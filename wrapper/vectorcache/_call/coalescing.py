"""Equal questions at the same moment: one caller asks, and the others wait for its outcome.

A caller that gives up, whether it leads or waits, does not end the wait of the others: the next in
line then leads. Nothing here waits itself.

Ctrl-C can end any of these methods, between two calls that it makes. So ``leave`` may be called
again when it was interrupted, and then does the rest.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from typing import Generic, TypeAlias, TypeVar

import attrs

from .._response import VectorcacheResponse
from .._threading import ForkSafeLock, surroundings
from ..errors import VectorcacheError

T = TypeVar("T")

Outcome: TypeAlias = VectorcacheResponse | VectorcacheError


def copy_of(outcome: Outcome, elapsed: float) -> VectorcacheResponse:
    """What a call that waited for an equal one gets: an answer that it shares with no other.

    Args:
        outcome: the equal call's.
        elapsed: seconds that this call took.

    Raises:
        VectorcacheError: the equal call's, as a copy.
    """
    if isinstance(outcome, VectorcacheError):
        error = copy.deepcopy(outcome)
        error.attempts = 0
        raise error from outcome.__cause__
    answer = copy.deepcopy(outcome)
    return attrs.evolve(answer, meta=attrs.evolve(answer.meta, attempts=0, elapsed=elapsed))


class Member(Generic[T]):
    """One caller's part in a question that others may ask, too.

    Args:
        key: the question. Only callers that can wake each other may have equal keys.
        wake: is called when the caller leads, or when there is an outcome; maybe more than once.
    """

    __slots__ = ("key", "outcome", "together", "wake")

    def __init__(self, key: Hashable, wake: Callable[[], object]) -> None:
        # After a fork, the child's callers must not wait for a thread of the parent's.
        self.key = (surroundings(), key)
        self.wake = wake
        self.outcome: T | None = None
        # The members that ask the same, the one that leads first.
        self.together: list[Member[T]] = []

    @property
    def waits(self) -> bool:
        """Whether another member leads, and has no outcome yet."""
        return self.outcome is None and self.together[0] is not self


class Coalescing(Generic[T]):
    """The questions that are being asked now, each with its members."""

    def __init__(self) -> None:
        self._questions: dict[Hashable, list[Member[T]]] = {}
        self._lock = ForkSafeLock()

    def join(self, member: Member[T]) -> None:
        """Makes the caller the leader if no other member asks the same; otherwise it waits."""
        with self._lock:
            member.together = self._questions.setdefault(member.key, member.together)
            member.together.append(member)

    def leave(self, member: Member[T], outcome: T | None = None) -> None:
        """Ends a member's part; what a leader came to is the outcome of all who wait.

        Args:
            member: the caller, which may have left before.
            outcome: what the leader came to; None where it gave up, so that another has to lead.
        """
        with self._lock:
            together = self._questions.get(member.key)
            if together is None:
                return
            if outcome is not None and together[:1] == [member]:
                for other in together[1:]:
                    other.outcome = outcome
                    other.wake()
                del self._questions[member.key]
                return
            if member in together:
                together.remove(member)
            if together:
                together[0].wake()
            else:
                del self._questions[member.key]
