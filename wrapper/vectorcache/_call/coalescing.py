"""Equal queries at the same moment: one caller sends the query, the others wait for its outcome.

The caller that sends is the leader. A caller that gives up, leader or not, does not end the wait
of the others: the next in line becomes the leader. Nothing here waits itself.

Ctrl-C can interrupt each of these methods, between two calls that it makes. So ``leave`` may be
called again after an interruption, and then does the rest.
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
    """Returns a copy of an equal call's outcome, as callers must not share one object.

    Args:
        outcome: the outcome of the equal call.
        elapsed: seconds that this call took.

    Raises:
        VectorcacheError: a copy of the error, if the equal call failed.
    """
    if isinstance(outcome, VectorcacheError):
        error = copy.deepcopy(outcome)
        error.attempts = 0
        raise error from outcome.__cause__
    answer = copy.deepcopy(outcome)
    return attrs.evolve(answer, meta=attrs.evolve(answer.meta, attempts=0, elapsed=elapsed))


class Member(Generic[T]):
    """One caller of a query that other callers may send, too.

    Args:
        key: the query. Only callers that can wake each other may have equal keys.
        wake: called when the caller becomes the leader, or when there is an outcome; it may be
            called more than once.
    """

    __slots__ = ("key", "outcome", "together", "wake")

    def __init__(self, key: Hashable, wake: Callable[[], object]) -> None:
        # After a fork, a caller in the child must not wait for a thread of the parent.
        self.key = (surroundings(), key)
        self.wake = wake
        self.outcome: T | None = None
        # The members with an equal query, the leader first.
        self.together: list[Member[T]] = []

    @property
    def waits(self) -> bool:
        """Whether another member is the leader, and has no outcome yet."""
        return self.outcome is None and self.together[0] is not self


class Coalescing(Generic[T]):
    """The queries that are in progress, each with its members."""

    def __init__(self) -> None:
        self._questions: dict[Hashable, list[Member[T]]] = {}
        self._lock = ForkSafeLock()

    def join(self, member: Member[T]) -> None:
        """Adds a caller. The first member leads; the others wait for its outcome."""
        with self._lock:
            member.together = self._questions.setdefault(member.key, member.together)
            member.together.append(member)

    def leave(self, member: Member[T], outcome: T | None = None) -> None:
        """Takes a member out; the outcome of a leader is given to all who wait.

        Args:
            member: the caller, which may have left before.
            outcome: the outcome of the leader; None if it gave up, so that another has to lead.
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
