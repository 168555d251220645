"""Finds for all thresholds in one pass whether each prompt is a hit or a miss.

To try a threshold means to ask all prompts in turn in a cache that was empty: each prompt is a hit,
or is stored for those after it. A separate pass for each threshold would store nearly every prompt,
and so pay for it, once for each threshold. One pass is enough for all thresholds:

- A query at threshold 0 always hits, so it costs nothing. It returns the closest of the stored
  prompts and its score. This decides the prompt at every threshold at which that closest prompt is
  stored. At thresholds above the score, the prompt is a miss anyway.
- Prompts that are stored at all thresholds go into one context, ``everywhere``. Those that are
  stored at some thresholds only (mostly the high ones) go into another, ``somewhere``. Two queries
  at threshold 0, one in each context, decide most prompts.
- A prompt without a close match in ``somewhere`` is usually new. So the query in ``everywhere``
  then has a threshold just below the lowest one tried: if it misses, that one query has both
  compared the prompt and stored it.
- If the closest prompt is not stored at some threshold, a prompt that is stored there may come
  next. Only then are the prompts stored at that threshold put into a context of their own.
- A text that equals an earlier, stored prompt needs no query, as nothing can come closer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import count
from operator import or_
from typing import Final, TypeAlias

import attrs

from .cache_context import (
    ALWAYS_HITS,
    CacheContext,
    Comparison,
    PlannedQuery,
    PromptFailed,
    Queries,
)
from .matches import Match

# By the context that was asked; None for a comparison that needed no query.
Found: TypeAlias = dict[CacheContext | None, Comparison]

# How far below the lowest threshold the scores of near misses are still looked for.
BELOW: Final = 0.1


class Exploration:
    """The one pass over the prompts, without any I/O.

    Attributes:
        thresholds: the thresholds to try, lowest first.
        floor: cosine similarity below which scores are not looked for.
        matches: for each decided prompt, the match that answered it at each threshold; None for a
            miss.
        scores: the cosine similarity of each pair of prompts that was compared, by the places of
            the later and the earlier prompt.
        failures: the error of each prompt that could not be decided. Such a prompt does not count,
            and answers no other prompt.
        done: how many prompts were tried.
    """

    def __init__(self, prompts: Sequence[str], thresholds: Sequence[float], context: str) -> None:
        self.thresholds = thresholds
        self.floor = max(thresholds[0] - BELOW, ALWAYS_HITS)
        self.matches: dict[int, tuple[Match | None, ...]] = {}
        self.scores: dict[tuple[int, int], float] = {}
        self.failures: dict[int, Exception] = {}
        self.done = 0
        self._prompts = prompts
        self._places: dict[str, int] = {}  # The first place of each text.
        # The comparisons of each text, which stay valid when the text is asked again.
        self._known: dict[str, Found] = {}
        # The matches of prompts that failed when they were stored. They become valid if a later
        # query finds such a prompt in the cache.
        self._pending: dict[int, tuple[Match | None, ...]] = {}
        self._new_context = _namer(context, prompts)
        self._everywhere = self._new_context()
        self._somewhere = self._new_context()
        self._only_at = [self._new_context() for _ in thresholds]
        self._stored = [0] * len(thresholds)

    def run(self) -> Queries[None]:
        """Yields the queries to make, and is sent their results."""
        for index in range(len(self._prompts)):
            try:
                yield from self._decide(index)
            except PromptFailed as failed:
                self.failures[index] = failed.error
            self.done = index + 1
        yield from self._price()

    def _decide(self, index: int) -> Queries[None]:
        prompt = self._prompts[index]
        known = self._known.setdefault(prompt, {})
        search = _Search(index, self.thresholds, self._stored, known)
        first = self._places.get(prompt)
        if first is not None:
            # No stored prompt comes closer than the same text.
            known[None] = Comparison(~0, Match(first, 1.0, None))
        yield from self._compare(search)
        # The highest threshold comes first, as its comparison often decides the lower ones as well.
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

    def _compare(self, search: _Search) -> Queries[None]:
        if search.undecided & self._somewhere.held:
            yield from self._add(search, self._somewhere)
        may_be_new = all(
            comparison.closest is None or comparison.closest.score < self.thresholds[0]
            for comparison in search.found.values()
        )
        # No prompt follows the last one, so it need not be stored.
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
    ) -> Queries[None]:
        comparison = yield from context.compare(search.index, least)
        search.found[context] = comparison
        closest = comparison.closest
        if closest is not None and closest.index in self._pending:
            # Only the answer was lost: the service stored the prompt when the query failed.
            self._settle(closest.index, self._pending.pop(closest.index))
            del self.failures[closest.index]

    def _compare_at(self, at: int, search: _Search) -> Queries[None]:
        _, undecided = search.look(at)
        if not undecided:
            return
        yield from self._only_at[at].store(undecided)
        yield from self._add(search, self._only_at[at])
        _, undecided = search.look(at)
        if undecided:
            # The context holds a prompt that is not stored at this threshold: one that failed, or
            # one that the service stored although it should only have compared it.
            self._only_at[at] = self._new_context()
            yield from self._only_at[at].store(undecided)
            yield from self._add(search, self._only_at[at])

    def _store(self, index: int, matches: tuple[Match | None, ...]) -> Queries[None]:
        missed = matches.count(None)
        if not missed or index == len(self._prompts) - 1:
            return
        context = self._everywhere if missed == len(matches) else self._somewhere
        try:
            yield from context.store(1 << index)
        except PromptFailed:
            self._pending[index] = matches
            raise

    def _price(self) -> Queries[None]:
        """Asks for the savings of the matches that were found without a query."""
        prices = {
            match.index: match.cost_saved
            for matches in self.matches.values()
            for match in matches
            if match is not None and match.cost_saved is not None
        }
        queries: dict[int, PlannedQuery] = {}
        for matches in self.matches.values():
            for match in matches:
                if match is not None and match.index not in prices:
                    held = self._everywhere.held >> match.index & 1
                    context = self._everywhere if held else self._somewhere
                    queries[match.index] = context.price_query(match.index)
        if queries:
            results = yield list(queries.values())
            for index, result in zip(queries, results, strict=True):
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
    """The comparisons of one prompt so far, and what follows from them."""

    index: int
    thresholds: Sequence[float]
    stored: Sequence[int]
    found: Found

    @property
    def undecided(self) -> int:
        """The stored prompts that may still come closer at any threshold."""
        return reduce(or_, (self.look(at)[1] for at in range(len(self.thresholds))))

    def look(self, at: int) -> tuple[Match | None, int]:
        """Returns what answers the prompt, and the stored prompts that may still come closer."""
        stored, threshold = self.stored[at], self.thresholds[at]
        hits = [
            comparison.closest
            for comparison in self.found.values()
            if comparison.closest is not None
            and comparison.closest.score >= threshold
            and stored >> comparison.closest.index & 1
        ]
        # Of two prompts with the same score, the older one answers.
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
