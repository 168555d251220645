"""How figures and findings read, in the table and on the page alike."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .proportion import Proportion

if TYPE_CHECKING:
    from .report import TuningReport
    from .results import ThresholdResult


def percent(share: float) -> str:
    """``0.404`` as ``"40.4 %"``; what is nearly all or nothing is not rounded to it."""
    shown = f"{share * 100:.1f}".removesuffix(".0")
    if shown == "100" and share < 1:
        shown = "99.9"
    if shown == "0" and share > 0:
        shown = "0.1"
    return f"{shown} %"


def score(similarity: float) -> str:
    """A score with three digits, cut off: 0.8996 is not 0.9, and would not be a hit there."""
    return f"{math.floor(similarity * 1000 + 1e-6) / 1000:.3f}"


def dollars(amount: float) -> str:
    """An amount in US dollars with two digits that say something, at least cents."""
    if amount <= 0:
        return "$0"
    decimals = max(2, 1 - math.floor(math.log10(amount)))
    return f"${amount:,.{min(decimals, 12)}f}"


def interval(proportion: Proportion) -> str:
    """A 95 % confidence interval in words."""
    return f"{percent(proportion.lower)} to {percent(proportion.upper)}"


def one_line(text: str, limit: int) -> str:
    """A prompt without line breaks and control characters, and not longer than ``limit``."""
    visible = "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in text)
    short = " ".join(visible.split())
    return short if len(short) <= limit else short[: limit - 1].rstrip() + "…"


def summary(report: TuningReport) -> str:
    """What a reader in a hurry should know."""
    chosen = report.recommendation.threshold
    best = next((result for result in report.thresholds if result.threshold == chosen), None)
    if best is not None and best.precision is not None:
        return (
            f"With a similarity threshold of {best.threshold:g}, {_answered(best, report)}; "
            f"{best.precision.count:,} of these {best.hits:,} answers would have been right "
            f"({percent(best.precision.value)}; with 95 % confidence, {interval(best.precision)})."
        )
    lowest, highest = report.thresholds[0], report.thresholds[-1]
    if lowest is highest:
        return f"With a similarity threshold of {lowest.threshold:g}, {_answered(lowest, report)}."
    return (
        f"With a similarity threshold of {lowest.threshold:g}, {_answered(lowest, report)}; with "
        f"{highest.threshold:g}, {percent(highest.hit_rate.value)}{_saving(highest)}."
    )


def _answered(result: ThresholdResult, report: TuningReport) -> str:
    return (
        f"{percent(result.hit_rate.value)} of the {report.prompts:,} prompts would have been "
        f"answered from the cache{_saving(result)}"
    )


def _saving(result: ThresholdResult) -> str:
    # Without an LLM, or a price for the model, there is nothing to save; a note says so.
    return f", which saves {dollars(result.cost_saved)}" if result.cost_saved > 0 else ""


def notes(report: TuningReport) -> tuple[str, ...]:
    """What a reader should know before believing the figures."""
    from .recommendation import too_few_hits

    found = []
    if report.stopped is not None:
        found.append(
            f"The run stopped before its end: {report.stopped}. The figures are on the first "
            f"{report.prompts + len(report.failed):,} prompts; {report.not_asked:,} were not asked."
        )
    if report.failed:
        found.append(
            f"{count_of(len(report.failed), 'prompt')} failed and "
            f"{'counts' if len(report.failed) == 1 else 'count'} nowhere; see below."
        )
    few = too_few_hits(report.thresholds)
    if few:
        found.append(
            f"Fewer than 30 hits at {listed(few)}: precision there says little. Try more prompts."
        )
    if report.unpriced:
        found.append(
            f"What {count_of(report.unpriced, 'hit')} would save could not be found out, and "
            "counts as $0."
        )
    elif any(r.hits for r in report.thresholds) and not any(
        r.cost_saved for r in report.thresholds
    ):
        found.append(
            "The service gave every saving as $0: it has no price for this model, or no LLM at all "
            "(as the embedded service without one)."
        )
    return tuple(found)


def count_of(number: int, noun: str) -> str:
    """``1 prompt``, ``2 prompts``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(thresholds: Sequence[float]) -> str:
    """``0.8, 0.85 and 0.9``."""
    names = [f"{threshold:g}" for threshold in thresholds]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def effort(report: TuningReport) -> str:
    """What the run took, and what it would have taken otherwise."""
    return (
        f"This took {count_of(report.calls, 'call')}, {report.llm_calls:,} of them misses; trying "
        f"each threshold by itself would have taken {report.calls_one_by_one:,}, with "
        f"{report.llm_calls_one_by_one:,} misses."
    )
