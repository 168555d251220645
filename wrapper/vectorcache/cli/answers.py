"""Formats answers, for people and for programs."""

from __future__ import annotations

from typing import Any

from .._response import VectorcacheResponse
from .._stats.stats import Stats


def fields_of(result: VectorcacheResponse) -> dict[str, Any]:
    """Returns an answer and its details as JSON-serialisable values."""
    meta = result.meta
    return {
        **result.to_dict(),
        "request_id": meta.request_id,
        "attempts": meta.attempts,
        "elapsed": meta.elapsed,
    }


def summary_of(result: VectorcacheResponse) -> str:
    """Returns one line with hit or miss, score, saving and time."""
    meta = result.meta
    if result.cache_hit:
        score = result.similarity_score
        parts = ["hit"] if score is None else ["hit", f"score {score:.3f}"]
        parts.append(f"saved {dollars(result.cost_saved)}")
    else:
        parts = ["miss", f"answered by {result.llm_provider}"]
    parts.append(seconds(meta.elapsed))
    if meta.attempts > 1:
        parts.append(f"{meta.attempts} attempts")
    return " · ".join(parts)


def debug_lines(result: VectorcacheResponse) -> str:
    """Returns the debug information of an answer, one line for each item."""
    if result.debug is None:
        return "debug: the service sent none"
    return "\n".join(f"{name}: {value}" for name, value in result.debug.to_dict().items())


def totals_of(stats: Stats) -> str:
    """Returns one line with the totals of some calls."""
    parts = [f"{stats.calls} asked", f"hit rate {share(stats.hit_rate)}"]
    parts.append(f"saved {dollars(stats.cost_saved)}")
    if stats.failed:
        parts.append(f"{stats.failed} failed")
    return " · ".join(parts)


def dollars(amount: float) -> str:
    """Returns US dollars with cents, or with more digits for amounts below a cent."""
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.4f}"


def seconds(time: float | None) -> str:
    """Returns a time in seconds, or in milliseconds if it is below a second."""
    if time is None:
        return "-"
    return f"{time:.2f} s" if time >= 1 else f"{1_000 * time:.0f} ms"


def share(part: float | None) -> str:
    """Returns a part of a whole in per cent."""
    return "-" if part is None else f"{part:.0%}"
