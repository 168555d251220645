"""The report as plain text, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .findings import Findings, effort, summary
from .matches import Pair
from .proportion import Proportion
from .wording import dollars, interval, one_line, percent, score

_PROMPT_CHARACTERS: Final = 60


def render_text(report: Findings, *, pairs: bool) -> str:
    """Returns the summary, a line for each threshold, and the failed prompts.

    Args:
        report: the figures to show.
        pairs: whether to show the nearest pairs of each threshold and the doubtful pairs as well.
    """
    lines = [summary(report), report.recommendation.reason]
    lines += [f"Note: {note}" for note in report.notes]
    lines += ["", *_thresholds(report)]
    if pairs:
        lines += ["", *_all_pairs(report)]
    if report.failed:
        lines += ["", "Failed"]
        lines += [
            f"  {failed.index + 1}  {one_line(failed.prompt, _PROMPT_CHARACTERS)}  |  "
            f"{failed.error_type}: {one_line(failed.error, 4 * _PROMPT_CHARACTERS)}"
            for failed in report.failed
        ]
    return "\n".join([*lines, "", effort(report)])


def _all_pairs(report: Findings) -> list[str]:
    lines = []
    for result in report.thresholds:
        lines += [f"Closest to {result.threshold:g}"]
        lines += _pairs([*reversed(result.near_hits)], "  hit ")
        lines += _pairs(result.near_misses, "  miss")
    return [*lines, "", f"Most doubtful around {report.around:g}", *_pairs(report.doubtful, " ")]


def _thresholds(report: Findings) -> list[str]:
    rows = [["threshold", "hits", "hit rate", "95 % interval", "misses", "saved"]]
    if report.labelled:
        rows[0] += ["precision", "95 % interval", "recall", "95 % interval"]
    recommendation = report.recommendation
    for result in report.thresholds:
        row = [
            f"{result.threshold:g}",
            f"{result.hits:,}",
            *_share(result.hit_rate),
            f"{result.misses:,}",
            dollars(result.cost_saved),
        ]
        if report.labelled:
            row += [*_share(result.precision), *_share(result.recall)]
        if result.threshold == recommendation.threshold:
            row.append("<- recommended" if recommendation.certain else "<- likely, but not certain")
        rows.append(row)
    return _aligned(rows)


def _share(proportion: Proportion | None) -> list[str]:
    return ["-", "-"] if proportion is None else [percent(proportion.value), interval(proportion)]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=False)]
    return [
        "  ".join(
            cell.rjust(widths[place]) if place < len(widths) else cell
            for place, cell in enumerate(row)
        )
        for row in rows
    ]


def _pairs(pairs: Sequence[Pair], before: str) -> list[str]:
    verdicts = {True: " same", False: " other", None: ""}
    return [
        f"{before} {score(pair.score)}{verdicts[pair.same]}  "
        f"{one_line(pair.matched, _PROMPT_CHARACTERS)}  |  "
        f"{one_line(pair.prompt, _PROMPT_CHARACTERS)}"
        for pair in pairs
    ] or [f"{before} none"]
