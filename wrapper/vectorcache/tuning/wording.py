"""How numbers and prompts are written, in the table and on the page."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from .proportion import Proportion


def percent(share: float) -> str:
    """Returns ``"40.4 %"`` for ``0.404``; only 0 and 1 become ``"0 %"`` and ``"100 %"``."""
    shown = f"{share * 100:.1f}".removesuffix(".0")
    if shown == "100" and share < 1:
        shown = "99.9"
    if shown == "0" and share > 0:
        shown = "0.1"
    return f"{shown} %"


def score(similarity: float) -> str:
    """Returns a score with three decimals, rounded down.

    Rounded up, 0.8996 would look like a hit at a threshold of 0.9.
    """
    return f"{math.floor(similarity * 1000 + 1e-6) / 1000:.3f}"


def dollars(amount: float) -> str:
    """Returns an amount in US dollars with two significant digits, and at least with cents."""
    if amount <= 0:
        return "$0"
    decimals = max(2, 1 - math.floor(math.log10(amount)))
    return f"${amount:,.{min(decimals, 12)}f}"


def interval(proportion: Proportion) -> str:
    """Returns a 95 % confidence interval in words."""
    return f"{percent(proportion.lower)} to {percent(proportion.upper)}"


def one_line(text: str, limit: int) -> str:
    """Returns a text on one line, shortened to ``limit`` characters, without control characters."""
    visible = "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in text)
    short = " ".join(visible.split())
    return short if len(short) <= limit else short[: limit - 1].rstrip() + "…"


def count_of(number: int, noun: str) -> str:
    """Returns a number with its noun: ``1 prompt``, ``2 prompts``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(thresholds: Sequence[float]) -> str:
    """Returns thresholds as a list in words: ``0.8, 0.85 and 0.9``."""
    names = [f"{threshold:g}" for threshold in thresholds]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
