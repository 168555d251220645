"""Recommends a threshold for a wanted precision, and says why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import attrs

from .proportion import Proportion, Z
from .results import ThresholdResult
from .wording import interval, percent

# With fewer hits, a single wrong answer moves the precision by more than three points.
_FEW: Final = 30


@attrs.frozen
class Recommendation:
    """The best of the thresholds that were tried, for a wanted precision.

    It has the most hits among the thresholds whose precision is certain to be high enough: the
    lower end of its 95 % confidence interval is at least the wanted precision. Without such a
    threshold, it has the most hits among those whose precision itself is high enough, and
    ``certain`` is False. Of two thresholds with equally many hits, it is the higher one.

    Attributes:
        wanted_precision: the least share of hits that should be right, 0 to 1.
        threshold: the threshold, cosine similarity, 0 to 1; None if no threshold is good enough.
        certain: whether the lower end of the interval is also at least the wanted precision.
        reason: one or two sentences that say why it is this threshold, or why no threshold is
            good enough.
    """

    wanted_precision: float
    threshold: float | None
    certain: bool
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON-serialisable values."""
        return attrs.asdict(self)


def recommend(
    results: Sequence[ThresholdResult], wanted: float, *, labelled: bool
) -> Recommendation:
    """Returns the recommendation for results, which are sorted by threshold."""
    if not labelled:
        return _none(
            wanted,
            "Without labels it is unknown which hits are right: judge the doubtful pairs yourself, "
            "or label the prompts.",
        )
    known = [(result, result.precision) for result in results if result.precision is not None]
    if not known:
        return _none(wanted, "No threshold had a hit: try lower thresholds, or more prompts.")
    sure = [(result, share) for result, share in known if share.lower >= wanted]
    likely = [(result, share) for result, share in known if share.value >= wanted]
    if not likely:
        best, share = max(known, key=lambda pair: (pair[1].value, pair[0].hits))
        return _none(
            wanted,
            f"At no threshold tried were {percent(wanted)} of the hits right. The best was "
            f"{best.threshold:g}, with {_counted(share)}: try higher thresholds.",
        )
    result, share = max(sure or likely, key=lambda pair: (pair[0].hits, pair[0].threshold))
    reason = f"At {result.threshold:g}, {_counted(share)} of the hits were right. "
    if sure:
        reason += (
            f"Even the lower end of the 95 % confidence interval, {percent(share.lower)}, is "
            f"at least the wanted {percent(wanted)}, and no other such threshold has more hits."
        )
    else:
        reason += (
            f"But with so few hits the true share may be as low as {percent(share.lower)} (95 % "
            f"confidence interval: {interval(share)}), and {percent(wanted)} is wanted. "
            + _needed(share, wanted)
        )
    return Recommendation(wanted, result.threshold, bool(sure), reason)


def too_few_hits(results: Sequence[ThresholdResult]) -> tuple[float, ...]:
    """Returns the thresholds with so few hits that their precision says little."""
    return tuple(r.threshold for r in results if r.precision is not None and r.hits < _FEW)


def _none(wanted: float, reason: str) -> Recommendation:
    return Recommendation(wanted, None, False, reason)


def _counted(share: Proportion) -> str:
    return f"{share.count:,} of {share.of:,} ({percent(share.value)})"


def _needed(share: Proportion, wanted: float) -> str:
    """Says how many hits make the precision certain if the share stays the same."""
    if share.value <= wanted:
        return (
            "A share that only equals the wanted precision never becomes certain: try a higher "
            "threshold."
        )
    # The lower end of Wilson's interval equals ``wanted`` if the score test's statistic is Z.
    hits = math.ceil(Z**2 * wanted * (1 - wanted) / (share.value - wanted) ** 2)
    return f"It takes about {hits:,} hits with this share to be certain; there were {share.of:,}."
