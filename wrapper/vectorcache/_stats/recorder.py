"""Counts a client's calls as they end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from .._threading import ForkSafeLock
from .latency import Times
from .stats import Group, Scores, Stats

# A context for each user must not fill the memory: what is beyond is counted together.
_MOST_GROUPS: Final = 1_000
_BEYOND: Final = (None, None)

# After so many notes they are counted, which takes a millisecond.
_MOST_NOTES: Final = 500

# How it ended, model, context, attempts, seconds, score, US dollars saved.
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


class Recorder:
    """Counts the calls of a client, from any number of threads.

    A call only leaves a note, without a lock; the notes are counted many at a time.
    """

    def __init__(self) -> None:
        self._tallies: dict[Group, _Tally] = {}
        self._notes: deque[_Note] = deque()
        self._lock = ForkSafeLock()

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
        self._notes.append((kind, model, context, attempts, seconds, score, cost_saved))
        if len(self._notes) > _MOST_NOTES:
            self._count()

    def stood_in(self, model: str | None, context: str | None, attempts: int) -> None:
        """Notes an answer of the fallback."""
        self._note_end("fallback", model, context, attempts)

    def failed(self, model: str | None, context: str | None, error: str, attempts: int) -> None:
        """Notes a call that ended with an error, by the name of its class."""
        self._note_end(f"error {error}", model, context, attempts)

    def cancelled(self, model: str | None, context: str | None, attempts: int) -> None:
        """Notes a call that was given up."""
        self._note_end("cancelled", model, context, attempts)

    def snapshot(self) -> Stats:
        """What has been counted."""
        with self._lock:
            self._count_notes()
            # Copies: others count on meanwhile.
            copies = {group: _copy(tally) for group, tally in self._tallies.items()}
        return self._stats(copies)

    def reset(self) -> Stats:
        """Counts anew from here; returns what was counted before."""
        with self._lock:
            self._count_notes()
            tallies, self._tallies = self._tallies, {}
        return self._stats(tallies)

    def _note_end(self, kind: str, model: str | None, context: str | None, attempts: int) -> None:
        self._notes.append((kind, model, context, attempts, 0.0, None, 0.0))
        if len(self._notes) > _MOST_NOTES:
            self._count()

    def _count(self) -> None:
        with self._lock:
            self._count_notes()

    def _count_notes(self) -> None:
        notes, tallies = self._notes, self._tallies
        # As many as there are now: others go on noting.
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
                    hundredth = int(score * 100 + 1e-9)  # 0.29 * 100 is a little below 29.
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
