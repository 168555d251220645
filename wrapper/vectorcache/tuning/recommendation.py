"""Which threshold to choose for a wanted precision, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import attrs

from .proportion import Proportion, Z
from .results import ThresholdResult
from .wording import interval, percent

# With fewer hits even one wrong answer moves the precision by more than three points.
_FEW: Final = 30


@attrs.frozen
class Recommendation:
    """The best of the thresholds that were tried, for a wanted precision.

    It is the one with the most hits among those of which one may be sure: the lower end of the
    precision's 95 % confidence interval is as high as wanted. If there is none, it is the one with
    the most hits among those whose precision itself is, and ``certain`` is False. Of two with as
    many hits it is the higher one.

    Attributes:
        wanted_precision: the least share of hits that should be right, 0 to 1.
        threshold: the threshold, cosine similarity, 0 to 1; None where none will do.
        certain: whether the interval's lower end is as high as wanted, too.
        reason: why it is this one, or why there is none, in a sentence or two.
    """

    wanted_precision: float
    threshold: float | None
    certain: bool
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-serialisable values."""
        return attrs.asdict(self)


def recommend(
    results: Sequence[ThresholdResult], wanted: float, *, labelled: bool
) -> Recommendation:
    """The recommendation that follows from results, which are sorted by threshold."""
    if not labelled:
        return _none(
            wanted,
            "Without labels nothing says which hits are right: judge the doubtful pairs yourself, "
            "or label the prompts.",
        )
    known = [(result, result.precision) for result in results if result.precision is not None]
    if not known:
        return _none(wanted, "No threshold had a hit: try lower ones, or more prompts.")
    sure = [(result, share) for result, share in known if share.lower >= wanted]
    likely = [(result, share) for result, share in known if share.value >= wanted]
    if not likely:
        best, share = max(known, key=lambda pair: (pair[1].value, pair[0].hits))
        return _none(
            wanted,
            f"At no threshold tried were {percent(wanted)} of the hits right. The best was "
            f"{best.threshold:g}, with {_counted(share)}: try higher ones.",
        )
    result, share = max(sure or likely, key=lambda pair: (pair[0].hits, pair[0].threshold))
    reason = f"At {result.threshold:g}, {_counted(share)} of the hits were right. "
    if sure:
        reason += (
            f"Even the lower end of the 95 % confidence interval, {percent(share.lower)}, is as "
            f"high as the {percent(wanted)} that are wanted, and no other threshold of which that "
            "can be said has more hits."
        )
    else:
        reason += (
            f"But with so few hits the true share may be as low as {percent(share.lower)} (95 % "
            f"confidence interval: {interval(share)}), where {percent(wanted)} is wanted. "
            + _needed(share, wanted)
        )
    return Recommendation(wanted, result.threshold, bool(sure), reason)


def too_few_hits(results: Sequence[ThresholdResult]) -> tuple[float, ...]:
    """The thresholds with so few hits that their precision says little."""
    return tuple(r.threshold for r in results if r.precision is not None and r.hits < _FEW)


def _none(wanted: float, reason: str) -> Recommendation:
    return Recommendation(wanted, None, False, reason)


def _counted(share: Proportion) -> str:
    return f"{share.count:,} of {share.of:,} ({percent(share.value)})"


def _needed(share: Proportion, wanted: float) -> str:
    """How many hits it takes to be sure, if the share stays the same."""
    if share.value <= wanted:
        return "A share that is just as high as wanted can never be sure: try a higher threshold."
    # Wilson's lower end is at ``wanted`` where the score test's statistic is Z.
    hits = math.ceil(Z**2 * wanted * (1 - wanted) / (share.value - wanted) ** 2)
    return f"To be sure takes about {hits:,} hits with this share; here there were {share.of:,}."
