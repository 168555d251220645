"""Turns what an exploration found into figures for each threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from .matches import Match, Pair
from .proportion import Proportion
from .questions import Questions

NEAR: Final = 5


@attrs.frozen
class ThresholdResult:
    """What one threshold would have led to.

    Attributes:
        threshold: the least cosine similarity of a hit, 0 to 1.
        hits: prompts answered from the cache.
        misses: prompts that the LLM would have answered.
        cost_saved: US dollars that the hits save, as reported by the service.
        near_hits: the hits closest above the threshold, closest first.
        near_misses: the pairs closest below the threshold, closest first: a prompt that was a miss
            and the earlier prompt that came closest to it.
        precision: the share of the hits whose matched prompt has the same label; None without
            labels or without hits.
        recall: the number of such hits as a share of the prompts that have an earlier prompt with
            the same label; None without labels, or if no label occurs twice.
    """

    threshold: float
    hits: int
    misses: int
    cost_saved: float
    near_hits: tuple[Pair, ...]
    near_misses: tuple[Pair, ...]
    precision: Proportion | None
    recall: Proportion | None

    @property
    def hit_rate(self) -> Proportion:
        """The share of all prompts that are hits."""
        return Proportion(self.hits, self.hits + self.misses)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON-serialisable values."""
        return {
            "threshold": self.threshold,
            "hits": self.hits,
            "misses": self.misses,
            "hit_rate": self.hit_rate.to_dict(),
            "cost_saved": self.cost_saved,
            "precision": None if self.precision is None else self.precision.to_dict(),
            "recall": None if self.recall is None else self.recall.to_dict(),
            "near_hits": [pair.to_dict() for pair in self.near_hits],
            "near_misses": [pair.to_dict() for pair in self.near_misses],
        }


def sorted_pairs(questions: Questions, scores: Mapping[tuple[int, int], float]) -> tuple[Pair, ...]:
    """Returns all pairs that were compared, highest score first."""
    pairs = (_pair(questions, index, other, score) for (index, other), score in scores.items())
    return tuple(sorted(pairs, key=lambda pair: (-pair.score, pair.prompt_index)))


def closest_pairs(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Returns each prompt's pair with the highest score, in the order of the prompts."""
    best: dict[int, Pair] = {}
    for pair in pairs:
        best.setdefault(pair.prompt_index, pair)
    return tuple(best[index] for index in sorted(best))


def result_at(
    questions: Questions,
    threshold: float,
    matches: Mapping[int, Match | None],
    pairs: Sequence[Pair],
) -> ThresholdResult:
    """Returns the result of a threshold, given the match of each prompt that was decided."""
    hits = [
        _pair(questions, index, match.index, match.score)
        for index, match in matches.items()
        if match is not None
    ]
    below = [
        pair for pair in pairs if pair.score < threshold and matches[pair.prompt_index] is None
    ]
    correct = sum(pair.same is True for pair in hits)
    repeated = _repeated(questions, matches)
    return ThresholdResult(
        threshold,
        hits=len(hits),
        misses=len(matches) - len(hits),
        cost_saved=sum(match.cost_saved or 0.0 for match in matches.values() if match is not None),
        near_hits=nearest(hits, threshold, NEAR),
        near_misses=nearest(below, threshold, NEAR),
        precision=Proportion(correct, len(hits)) if questions.labels and hits else None,
        recall=Proportion(correct, repeated) if repeated else None,
    )


def nearest(pairs: Sequence[Pair], threshold: float, count: int) -> tuple[Pair, ...]:
    """Returns the pairs with the scores closest to a threshold; the same two texts count once."""
    found: dict[frozenset[str], Pair] = {}
    for pair in sorted(pairs, key=lambda pair: (abs(pair.score - threshold), pair.prompt_index)):
        if len(found) == count:
            break
        if pair.prompt != pair.matched:
            found.setdefault(frozenset((pair.prompt, pair.matched)), pair)
    return tuple(found.values())


def _pair(questions: Questions, index: int, other: int, score: float) -> Pair:
    labels = questions.labels
    return Pair(
        questions.prompts[index],
        questions.prompts[other],
        score,
        None if labels is None else labels[index] == labels[other],
        index,
        other,
    )


def _repeated(questions: Questions, decided: Mapping[int, object]) -> int:
    """Returns how many of the prompts have an earlier prompt with the same label."""
    if questions.labels is None:
        return 0
    return len(decided) - len({questions.labels[index] for index in decided})
