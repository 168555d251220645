"""The charts of the page that need labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from .charts import THRESHOLDS, name_thresholds, percents, threshold_positions, whisker
from .findings import Findings
from .proportion import Proportion
from .svg import BOTTOM, LEFT, RIGHT, TOP, Chart
from .wording import interval, percent

_LABEL_WIDTH: Final = 30
_LABEL_HEIGHT: Final = 13
_UNKNOWN: Final = "No threshold had a hit, or no label occurs twice."


def precision_and_recall(report: Findings) -> Chart:
    """Returns lines of precision and recall over the thresholds, with confidence intervals."""
    lowest = _lowest(report, lambda share: share.lower)
    said = [
        f"{result.threshold:g}: precision {_said(result.precision)}, recall {_said(result.recall)}"
        for result in report.thresholds
    ]
    chart = Chart(
        "Precision and recall by threshold",
        "; ".join(said),
        THRESHOLDS,
        "Share, with 95 % interval (%)",
        1.0,
        percents(lowest),
        lowest,
    )
    wanted = chart.y(report.wanted_precision)
    chart.line(LEFT, wanted, RIGHT, wanted, "mark")
    name_thresholds(chart, report)
    places = threshold_positions(report)
    shift = min(7.0, (RIGHT - LEFT) / len(places) / 4)
    recalls = [result.recall for result in report.thresholds]
    precisions = [result.precision for result in report.thresholds]
    _series(chart, [x + shift for x in places], recalls, "two", "recall")
    _series(chart, [x - shift for x in places], precisions, "one", "precision")
    return chart


def precision_against_recall(report: Findings) -> Chart:
    """Returns a chart with a point for each threshold, at its recall and precision."""
    points = [
        (result, result.precision, result.recall)
        for result in report.thresholds
        if result.precision is not None and result.recall is not None
    ]
    lowest = _lowest(report, lambda share: share.value)
    chart = Chart(
        "Precision against recall",
        "; ".join(
            f"{result.threshold:g}: precision {percent(precision.value)} at recall "
            f"{percent(recall.value)}"
            for result, precision, recall in points
        )
        or _UNKNOWN,
        "Recall: repeated questions answered correctly (%)",
        "Precision: answers that are right (%)",
        1.0,
        percents(lowest),
        lowest,
    )

    def across(share: float) -> float:
        return LEFT + (RIGHT - LEFT) * (share - lowest) / (1 - lowest)

    if not points:
        chart.text((LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2, _UNKNOWN)
    for share, label in percents(lowest):
        chart.text(across(share), BOTTOM + 16, label)
    wanted = chart.y(report.wanted_precision)
    chart.line(LEFT, wanted, RIGHT, wanted, "mark")
    places = [(across(recall.value), chart.y(precision.value)) for _, precision, recall in points]
    chart.path(places, "through one-line")
    ends = _Labels()
    for (x, y), (result, precision, recall) in zip(places, points, strict=True):
        name = f"{result.threshold:g}"
        chosen = result.threshold == report.recommendation.threshold
        said = f"{name}: precision {_said(precision)}, recall {_said(recall)}"
        chart.dot(x, y, "chosen-dot" if chosen else "one", said)
        if ends.has_room(x, y):
            low = y > (TOP + BOTTOM) / 2
            chart.text(x, y - 9 if low else y + 17, name, kind="tick strong")
    return chart


def _lowest(report: Findings, end: Callable[[Proportion], float]) -> float:
    """Returns where the axis of shares begins, so that small differences can be seen."""
    known = [
        share
        for result in report.thresholds
        for share in (result.precision, result.recall)
        if share
    ]
    least = min([*map(end, known), report.wanted_precision])
    return min(math.floor(least * 5 - 1e-9) / 5, 0.8) if least > 0 else 0.0


class _Labels:
    """Keeps labels from overlapping."""

    def __init__(self) -> None:
        self._taken: list[tuple[float, float]] = []

    def has_room(self, x: float, y: float) -> bool:
        free = all(
            abs(x - other) >= _LABEL_WIDTH or abs(y - height) >= _LABEL_HEIGHT
            for other, height in self._taken
        )
        if free:
            self._taken.append((x, y))
        return free


def _series(
    chart: Chart,
    places: Sequence[float],
    shares: Sequence[Proportion | None],
    kind: str,
    name: str,
) -> None:
    known = [(x, share) for x, share in zip(places, shares, strict=True) if share is not None]
    chart.path([(x, chart.y(share.value)) for x, share in known], f"through {kind}-line")
    for x, share in known:
        whisker(chart, x, share, f"{kind}-line")
        chart.dot(x, chart.y(share.value), kind, f"{name} {_said(share)}", square=kind == "two")


def _said(share: Proportion | None) -> str:
    return "unknown" if share is None else f"{percent(share.value)} ({interval(share)})"
