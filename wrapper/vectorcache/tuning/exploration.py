"""Which queries tell, for every threshold at once, what each prompt would have met.

Trying a threshold means asking all prompts in turn in a cache that was empty: each is a hit, or is
stored for those after it. Done threshold by threshold, nearly every prompt is stored, and so paid
for, once for each of them. Here one pass does for all thresholds:

- A query at threshold 0 always hits and so costs nothing; it tells which of the stored prompts
  comes closest, and its score. From that follows what it would have been at every threshold at
  which that prompt is stored; at thresholds above the score, it would have been a miss anyway.
- What is stored at all thresholds goes into one context, ``everywhere``; what is stored only at
  some (mostly the high ones) into another, ``somewhere``. Two such queries decide most prompts.
- A prompt that ``somewhere`` has nothing for is most often new. So ``everywhere`` is then asked at
  a threshold just below the lowest one tried: if that is a miss, the one query has compared the
  prompt and stored it, too.
- Where the closest prompt is not stored at some threshold, one that is may come next. Then, and
  only then, the prompts stored at that threshold are put into a context of its own.
- The same text as an earlier prompt that is stored needs no query: nothing can come closer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import count
from operator import or_
from typing import Final, TypeAlias

import attrs

from .cache_context import ALWAYS_HITS, Ask, Asking, CacheContext, Comparison, PromptFailed
from .matches import Match

# By the context that was asked last; None for what is known without asking.
Found: TypeAlias = dict[CacheContext | None, Comparison]

# How far below the lowest threshold near misses are still told apart.
BELOW: Final = 0.1


class Exploration:
    """The one pass over the prompts, without any I/O.

    Attributes:
        thresholds: what is tried, lowest first.
        floor: cosine similarity below which scores need not be known.
        matches: for each prompt that is decided, what answered it at each threshold; None for a
            miss.
        scores: cosine similarity of each two prompts that were found to be close, by the places
            of the later and the earlier one.
        failures: what went wrong with each prompt that could not be decided. It counts nowhere,
            and nothing is answered by it.
        done: prompts that were looked at.
    """

    def __init__(self, prompts: Sequence[str], thresholds: Sequence[float], context: str) -> None:
        self.thresholds = thresholds
        self.floor = max(thresholds[0] - BELOW, ALWAYS_HITS)
        self.matches: dict[int, tuple[Match | None, ...]] = {}
        self.scores: dict[tuple[int, int], float] = {}
        self.failures: dict[int, Exception] = {}
        self.done = 0
        self._prompts = prompts
        self._places: dict[str, int] = {}  # Where each text came first.
        # What each text was compared with, as that stays true when it comes again.
        self._known: dict[str, Found] = {}
        # What would hold for prompts that failed when they were stored, should they turn up.
        self._pending: dict[int, tuple[Match | None, ...]] = {}
        self._new_context = _namer(context, prompts)
        self._everywhere = self._new_context()
        self._somewhere = self._new_context()
        self._only_at = [self._new_context() for _ in thresholds]
        self._stored = [0] * len(thresholds)

    def run(self) -> Asking[None]:
        """Yields the queries to make, and takes what came of them."""
        for index in range(len(self._prompts)):
            try:
                yield from self._decide(index)
            except PromptFailed as failed:
                self.failures[index] = failed.error
            self.done = index + 1
        yield from self._price()

    def _decide(self, index: int) -> Asking[None]:
        prompt = self._prompts[index]
        known = self._known.setdefault(prompt, {})
        search = _Search(index, self.thresholds, self._stored, known)
        first = self._places.get(prompt)
        if first is not None:
            # Whatever else is stored, nothing comes closer than the same text.
            known[None] = Comparison(~0, Match(first, 1.0, None))
        yield from self._compare(search)
        # Highest first, as what is found there often decides the lower ones as well.
        for at in reversed(range(len(self.thresholds))):
            yield from self._compare_at(at, search)
        matches = tuple(search.look(at)[0] for at in range(len(self.thresholds)))
        yield from self._store(index, matches)
        self._settle(index, matches)
        for comparison in known.values():
            if comparison.closest is not None:
                self.scores[index, comparison.closest.index] = comparison.closest.score

    def _settle(self, index: int, matches: tuple[Match | None, ...]) -> None:
        self.matches[index] = matches
        self._places.setdefault(self._prompts[index], index)
        for at, match in enumerate(matches):
            if match is None:
                self._stored[at] |= 1 << index

    def _compare(self, search: _Search) -> Asking[None]:
        if search.undecided & self._somewhere.held:
            yield from self._add(search, self._somewhere)
        may_be_new = all(
            comparison.closest is None or comparison.closest.score < self.thresholds[0]
            for comparison in search.found.values()
        )
        # The last prompt has nobody to be stored for.
        if may_be_new and search.index < len(self._prompts) - 1:
            try:
                yield from self._add(search, self._everywhere, self.floor)
            except PromptFailed:
                self._pending[search.index] = (None,) * len(self.thresholds)
                raise
        elif search.undecided & self._everywhere.held:
            yield from self._add(search, self._everywhere)

    def _add(
        self, search: _Search, context: CacheContext, least: float = ALWAYS_HITS
    ) -> Asking[None]:
        comparison = yield from context.compare(search.index, least)
        search.found[context] = comparison
        closest = comparison.closest
        if closest is not None and closest.index in self._pending:
            # The answer was lost, not the query: it has been stored since then.
            self._settle(closest.index, self._pending.pop(closest.index))
            del self.failures[closest.index]

    def _compare_at(self, at: int, search: _Search) -> Asking[None]:
        _, undecided = search.look(at)
        if not undecided:
            return
        yield from self._only_at[at].store(undecided)
        yield from self._add(search, self._only_at[at])
        _, undecided = search.look(at)
        if undecided:
            # It holds a prompt that is not stored at this threshold: one that failed, or that
            # the service stored when it should have compared it.
            self._only_at[at] = self._new_context()
            yield from self._only_at[at].store(undecided)
            yield from self._add(search, self._only_at[at])

    def _store(self, index: int, matches: tuple[Match | None, ...]) -> Asking[None]:
        missed = matches.count(None)
        if not missed or index == len(self._prompts) - 1:
            return
        context = self._everywhere if missed == len(matches) else self._somewhere
        try:
            yield from context.store(1 << index)
        except PromptFailed:
            self._pending[index] = matches
            raise

    def _price(self) -> Asking[None]:
        """Asks what those save that were only ever found without asking."""
        prices = {
            match.index: match.cost_saved
            for matches in self.matches.values()
            for match in matches
            if match is not None and match.cost_saved is not None
        }
        asks: dict[int, Ask] = {}
        for matches in self.matches.values():
            for match in matches:
                if match is not None and match.index not in prices:
                    held = self._everywhere.held >> match.index & 1
                    context = self._everywhere if held else self._somewhere
                    asks[match.index] = context.price_asks(match.index)
        if asks:
            results = yield list(asks.values())
            for index, result in zip(asks, results, strict=True):
                if result.result is not None and result.result.cache_hit:
                    prices[index] = result.result.cost_saved
        for index, matches in self.matches.items():
            self.matches[index] = tuple(
                match
                if match is None or match.cost_saved is not None
                else attrs.evolve(match, cost_saved=prices.get(match.index))
                for match in matches
            )


@attrs.frozen
class _Search:
    """What a prompt was compared with so far, and what follows from that."""

    index: int
    thresholds: Sequence[float]
    stored: Sequence[int]
    found: Found

    @property
    def undecided(self) -> int:
        """The stored prompts that might yet come closer at any threshold."""
        return reduce(or_, (self.look(at)[1] for at in range(len(self.thresholds))))

    def look(self, at: int) -> tuple[Match | None, int]:
        """What answers the prompt, and the stored prompts that might yet come closer."""
        stored, threshold = self.stored[at], self.thresholds[at]
        hits = [
            comparison.closest
            for comparison in self.found.values()
            if comparison.closest is not None
            and comparison.closest.score >= threshold
            and stored >> comparison.closest.index & 1
        ]
        # Of two that score the same, the older one answers.
        best = max(hits, key=lambda match: (match.score, -match.index), default=None)
        undecided = stored
        for comparison in self.found.values():
            closest = comparison.closest
            if (
                closest is None
                or closest.score < threshold
                or stored >> closest.index & 1
                or (best is not None and closest.score < best.score)
            ):
                undecided &= ~comparison.compared
        return best, undecided


def _namer(context: str, prompts: Sequence[str]) -> Callable[[], CacheContext]:
    numbers = count(1)
    return lambda: CacheContext(f"{context}-{next(numbers)}", prompts)
