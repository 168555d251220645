"""Counts the calls of a client when they end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from .._observer import FinishedCall, ObservedCall, Observer
from .._threading import ForkSafeLock
from .latency import Times
from .stats import Group, Scores, Stats

# A context for each user must not fill the memory: all groups beyond these are counted together.
_MOST_GROUPS: Final = 1_000
_BEYOND: Final = (None, None)

# More notes than this are counted at once, which takes a millisecond.
_MOST_NOTES: Final = 500

# The outcome, model, context, attempts, seconds, score, US dollars saved.
_Note: TypeAlias = tuple[str, str | None, str | None, int, float, float | None, float]


class _Tally:
    """The counts of one pair of model and context."""

    __slots__ = (
        "cancelled",
        "cost_saved",
        "errors",
        "fallbacks",
        "hit_times",
        "hits",
        "miss_times",
        "misses",
        "retries",
        "score_counts",
        "score_sum",
    )

    def __init__(self) -> None:
        self.hits = self.misses = self.fallbacks = self.cancelled = self.retries = 0
        self.cost_saved = self.score_sum = 0.0
        self.errors: dict[str, int] = {}
        self.score_counts: dict[int, int] = {}
        self.hit_times, self.miss_times = Times(), Times()

    def merge(self, other: _Tally) -> None:
        self.hits += other.hits
        self.misses += other.misses
        self.fallbacks += other.fallbacks
        self.cancelled += other.cancelled
        self.retries += other.retries
        self.cost_saved += other.cost_saved
        self.score_sum += other.score_sum
        _add_counts(self.errors, other.errors)
        _add_counts(self.score_counts, other.score_counts)
        self.hit_times.merge(other.hit_times)
        self.miss_times.merge(other.miss_times)

    def stats(self, groups: Mapping[Group, Stats], reset: Callable[[], Stats] | None) -> Stats:
        failed = sum(self.errors.values())
        scored = sum(self.score_counts.values())
        return Stats(
            calls=self.hits + self.misses + self.fallbacks + failed + self.cancelled,
            hits=self.hits,
            misses=self.misses,
            fallbacks=self.fallbacks,
            failed=failed,
            cancelled=self.cancelled,
            retries=self.retries,
            cost_saved=self.cost_saved,
            errors=dict(self.errors),
            scores=Scores(
                scored,
                self.score_sum / scored if scored else None,
                {hundredth / 100: n for hundredth, n in sorted(self.score_counts.items())},
            ),
            hit_latency=self.hit_times.latency(),
            miss_latency=self.miss_times.latency(),
            by_model_and_context=groups,
            reset=reset,
        )


def _add_counts(counts: dict[Any, int], others: Mapping[Any, int]) -> None:
    for name, count in others.items():
        counts[name] = counts.get(name, 0) + count


class Recorder(Observer):
    """Counts the calls of a client, which may come from any number of threads.

    A call only appends a note, without a lock. Many notes are counted at a time.
    """

    def __init__(self) -> None:
        self._tallies: dict[Group, _Tally] = {}
        self._notes: deque[_Note] = deque()
        self._lock = ForkSafeLock()

    def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
        """Notes the end of a call."""
        query, result = call.query, end.result
        kind: str = end.outcome
        score, saved = None, 0.0
        if result is not None:
            score, saved = result.similarity_score, result.cost_saved
        elif kind == "failed":
            kind = f"error {type(end.error).__name__}"
        self._note((kind, query.model, query.context, end.attempts, end.elapsed, score, saved))

    def answered(
        self,
        model: str | None,
        context: str | None,
        cache_hit: bool,
        score: float | None,
        cost_saved: float,
        seconds: float,
        attempts: int,
    ) -> None:
        """Notes a hit or a miss."""
        kind = "hit" if cache_hit else "miss"
        self._note((kind, model, context, attempts, seconds, score, cost_saved))

    def failed(self, model: str | None, context: str | None, error: str, attempts: int) -> None:
        """Notes a call that ended with an error, by the name of its class."""
        self.ended(f"error {error}", model, context, attempts)

    def ended(self, outcome: str, model: str | None, context: str | None, attempts: int) -> None:
        """Notes a call that has neither hit nor missed the cache.

        Args:
            outcome: ``fallback``, ``cancelled``, or ``error`` with the name of a class.
            model: the model of its query.
            context: the context of its query.
            attempts: attempts made.
        """
        self._note((outcome, model, context, attempts, 0.0, None, 0.0))

    def snapshot(self) -> Stats:
        """Returns the statistics up to now."""
        with self._lock:
            self._count_notes()
            # These are copies, as other threads go on counting.
            copies = {group: _copy(tally) for group, tally in self._tallies.items()}
        return self._stats(copies)

    def reset(self) -> Stats:
        """Counts from 0 again; returns what was counted before."""
        with self._lock:
            self._count_notes()
            tallies, self._tallies = self._tallies, {}
        return self._stats(tallies)

    def _note(self, note: _Note) -> None:
        self._notes.append(note)
        if len(self._notes) > _MOST_NOTES:
            self._count()

    def _count(self) -> None:
        with self._lock:
            self._count_notes()

    def _count_notes(self) -> None:
        notes, tallies = self._notes, self._tallies
        # Only the notes that exist now are counted, as other threads append more.
        for _ in range(len(notes)):
            kind, model, context, attempts, seconds, score, cost_saved = notes.popleft()
            tally = tallies.get((model, context)) or self._new_tally(model, context)
            if attempts > 1:
                tally.retries += attempts - 1
            if kind == "hit":
                tally.hits += 1
                tally.hit_times.add(seconds)
                tally.cost_saved += cost_saved
                if score is not None:
                    tally.score_sum += score
                    # The addition corrects products such as 0.29 * 100, a little below 29.
                    hundredth = int(score * 100 + 1e-9)
                    counts = tally.score_counts
                    counts[hundredth] = counts.get(hundredth, 0) + 1
            elif kind == "miss":
                tally.misses += 1
                tally.miss_times.add(seconds)
            elif kind == "fallback":
                tally.fallbacks += 1
            elif kind == "cancelled":
                tally.cancelled += 1
            else:
                error = kind.removeprefix("error ")
                tally.errors[error] = tally.errors.get(error, 0) + 1

    def _new_tally(self, model: str | None, context: str | None) -> _Tally:
        group = (model, context) if len(self._tallies) < _MOST_GROUPS else _BEYOND
        return self._tallies.setdefault(group, _Tally())

    def _stats(self, tallies: Mapping[Group, _Tally]) -> Stats:
        total = _Tally()
        for tally in tallies.values():
            total.merge(tally)
        groups = {group: tally.stats({}, None) for group, tally in tallies.items()}
        return total.stats(groups, self.reset)


def _copy(tally: _Tally) -> _Tally:
    copy = _Tally()
    copy.merge(tally)
    return copy
