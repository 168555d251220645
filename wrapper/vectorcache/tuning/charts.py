"""The charts of the page that need no labels: scores, hit rates and savings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from .findings import Findings
from .matches import Pair
from .proportion import Proportion
from .svg import BOTTOM, LEFT, RIGHT, TOP, Chart, round_steps
from .wording import dollars, interval, percent

_HUNDREDTHS: Final = 2  # The width of the histogram's bars.
_LABEL_WIDTH: Final = 30
_LABELLED_BARS: Final = 6
THRESHOLDS: Final = "Similarity threshold (0 to 1)"


def score_histogram(report: Findings, shown: Sequence[Pair]) -> Chart:
    """Returns a histogram of the prompts' scores, with a line at each threshold."""
    bins: dict[bool | None, Counter[int]] = {True: Counter(), False: Counter(), None: Counter()}
    for pair in shown:
        # A millionth is added, as a product of floats may lie just below its whole number.
        place = min(math.floor(pair.score * 100 / _HUNDREDTHS + 1e-6), 100 // _HUNDREDTHS - 1)
        bins[pair.same][place] += 1
    total = sum(bins.values(), Counter[int]())
    steps = round_steps(max(total.values(), default=0), whole=True)
    first = min(math.floor(report.floor * 20 + 1e-6) / 20, 0.9)
    chart = Chart(
        "Score histogram",
        _histogram_in_words(shown, report),
        "Similarity to the closest earlier prompt (0 to 1)",
        "Prompts (count)",
        steps[-1],
        [(step, f"{step:,g}") for step in steps],
    )

    def x(score: float) -> float:
        return LEFT + (RIGHT - LEFT) * max(score - first, 0) / (1 - first)

    for place in sorted(total):
        start = place * _HUNDREDTHS / 100
        height = 0
        for same, kind, meaning in _MEANINGS:
            count = bins[same][place]
            if count:
                said = f"{start:.2f} to {start + _HUNDREDTHS / 100:.2f}: {count:,} prompts{meaning}"
                width = x(start + _HUNDREDTHS / 100) - x(start) - 1
                chart.bar(x(start), width, height, height + count, kind, said)
                height += count
    every = 1 if first >= 0.4 else 2
    for tenth in range(math.ceil(first * 10 - 1e-6), 11):
        if (10 - tenth) % every == 0:
            chart.text(x(tenth / 10), BOTTOM + 16, f"{tenth / 10:.1f}")
    _mark_thresholds(chart, [(x(r.threshold), f"{r.threshold:g}") for r in report.thresholds])
    return chart


def _histogram_in_words(shown: Sequence[Pair], report: Findings) -> str:
    edges = [report.floor, *(result.threshold for result in report.thresholds), 1.01]
    said = []
    for lower, upper in pairwise(edges):
        count = sum(lower <= pair.score < upper for pair in shown)
        ends = f"from {lower:g} to below {upper:g}" if upper <= 1 else f"from {lower:g} on"
        said.append(f"{count:,} prompts {ends}")
    return "; ".join(said) + "."


_MEANINGS: Final = (
    (True, "one", ", same meaning"),
    (False, "two", ", another meaning"),
    (None, "one", ""),
)


def _mark_thresholds(chart: Chart, marks: list[tuple[float, str]]) -> None:
    rows = [-math.inf, -math.inf, -math.inf]  # The right end of the last label in each row.
    for x, label in marks:
        chart.line(x, TOP, x, BOTTOM, "mark")
        free = [row for row, end in enumerate(rows) if x - _LABEL_WIDTH / 2 >= end]
        if free:
            rows[free[0]] = x + _LABEL_WIDTH / 2
            chart.text(x, TOP - 5 - 13 * free[0], label, kind="tick strong")


def hit_rates(report: Findings) -> Chart:
    """Returns bars with the hit rate at each threshold and its confidence interval."""
    shares = [result.hit_rate for result in report.thresholds]
    chart = _bars(
        report,
        "Hit rate by threshold",
        "Prompts answered from the cache (%)",
        [share.value for share in shares],
        [f"{percent(share.value)} ({interval(share)})" for share in shares],
        1.0,
        percents(0),
        percent,
        [share.upper for share in shares],
    )
    for x, share in zip(threshold_positions(report), shares, strict=True):
        whisker(chart, x, share, "whisker")
    return chart


def savings(report: Findings) -> Chart:
    """Returns bars with the money saved at each threshold."""
    values = [result.cost_saved for result in report.thresholds]
    steps = round_steps(max(values))
    return _bars(
        report,
        "Saving by threshold",
        f"Saved for these {report.prompts:,} prompts (US dollars)",
        values,
        [dollars(value) for value in values],
        steps[-1],
        [(step, dollars(step)) for step in steps],
        dollars,
        values,
    )


def _bars(
    report: Findings,
    title: str,
    vertical: str,
    values: Sequence[float],
    words: Sequence[str],
    highest: float,
    ticks: list[tuple[float, str]],
    short: Callable[[float], str],
    tops: Sequence[float],
) -> Chart:
    said = [
        f"{result.threshold:g}: {word}"
        for result, word in zip(report.thresholds, words, strict=True)
    ]
    chart = Chart(title, "; ".join(said), THRESHOLDS, vertical, highest, ticks)
    name_thresholds(chart, report)
    places = threshold_positions(report)
    width = min(40.0, 0.7 * (RIGHT - LEFT) / len(places))
    for x, value, top, sentence in zip(places, values, tops, said, strict=True):
        chart.bar(x - width / 2, width, 0, value, "one", sentence)
        if len(places) <= _LABELLED_BARS:
            chart.text(x, chart.y(top) - 5, short(value), kind="tick strong")
    return chart


def whisker(chart: Chart, x: float, share: Proportion, kind: str) -> None:
    """Draws the confidence interval of a share as a thin bar."""
    upper, lower = chart.y(share.upper), chart.y(share.lower)
    chart.line(x, upper, x, lower, kind)
    chart.line(x - 3, upper, x + 3, upper, kind)
    chart.line(x - 3, lower, x + 3, lower, kind)


def threshold_positions(report: Findings) -> list[float]:
    """Returns the x coordinates of the thresholds, which are evenly spaced on the axis."""
    space = (RIGHT - LEFT) / len(report.thresholds)
    return [LEFT + space * (place + 0.5) for place in range(len(report.thresholds))]


def name_thresholds(chart: Chart, report: Findings) -> None:
    """Writes the thresholds below the axis."""
    names = [f"{result.threshold:g}" for result in report.thresholds]
    places = threshold_positions(report)
    every = math.ceil(max(map(len, names)) * 8 * len(names) / (RIGHT - LEFT))
    for place in range(0, len(names), every):
        chosen = report.thresholds[place].threshold == report.recommendation.threshold
        chart.text(
            places[place], BOTTOM + 16, names[place], kind="tick strong" if chosen else "tick"
        )


def percents(lowest: float) -> list[tuple[float, str]]:
    """Returns the marks of an axis of shares from ``lowest`` to 1, with their labels."""
    first = round(lowest * 100)
    step = 20 if first <= 40 else 10 if first <= 70 else 5
    return [(share / 100, f"{share} %") for share in range(100, first - 1, -step)][::-1]
