"""Draws statistics as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._stats.latency import Latency
from .._stats.stats import Scores, Stats
from .answers import dollars, seconds, share
from .streams import shown

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

_BAR = 30


def statistics_table(stats: Stats) -> Group:
    """Returns a table of counts, scores, times and errors."""
    from rich.console import Group

    parts = [_counts(stats)]
    if stats.scores.count:
        parts.append(_scores(stats.scores))
    if stats.hits + stats.misses:
        parts.append(_times({"hits": stats.hit_latency, "misses": stats.miss_latency}))
    if stats.errors:
        parts.append(_errors(stats))
    if len(stats.by_model_and_context) > 1:
        parts.append(_groups(stats))
    return Group(*parts)


def _counts(stats: Stats) -> Table:
    table = _table("", "", numbers=(1,))
    table.show_header = False
    for name, value in {
        "prompts": f"{stats.calls:,}",
        "hits": f"{stats.hits:,}",
        "misses": f"{stats.misses:,}",
        "hit rate": share(stats.hit_rate),
        "saved": dollars(stats.cost_saved),
        "failed": f"{stats.failed:,}",
        "retries": f"{stats.retries:,}",
    }.items():
        table.add_row(name, value)
    return table


def _scores(scores: Scores) -> Table:
    """Returns the scores by twentieths, so that they fit on a screen."""
    mean = "-" if scores.mean is None else f"{scores.mean:.3f}"
    table = _table("score", "hits", f"mean {mean}", numbers=(1,))
    twentieths: dict[int, int] = {}
    for lower, count in scores.histogram.items():
        twentieth = int(lower * 20 + 1e-9)
        twentieths[twentieth] = twentieths.get(twentieth, 0) + count
    most = max(twentieths.values(), default=1)
    for twentieth, count in sorted(twentieths.items()):
        bar = "█" * max(1, round(_BAR * count / most))
        table.add_row(f"{twentieth / 20:.2f} and up", f"{count:,}", bar)
    return table


def _times(rows: dict[str, Latency]) -> Table:
    table = _table("time", "mean", "p50", "p90", "p95", "p99", "max", numbers=range(1, 7))
    for name, latency in rows.items():
        figures = (latency.mean, latency.p50, latency.p90, latency.p95, latency.p99, latency.max)
        if latency.count:
            table.add_row(name, *map(seconds, figures))
    return table


def _errors(stats: Stats) -> Table:
    table = _table("error", "prompts", numbers=(1,))
    for name, count in sorted(stats.errors.items(), key=lambda pair: -pair[1]):
        table.add_row(_plain(name), f"{count:,}")
    return table


def _groups(stats: Stats) -> Table:
    table = _table("model", "context", "prompts", "hit rate", "saved", numbers=(2, 3, 4))
    for (model, context), part in stats.by_model_and_context.items():
        table.add_row(
            _plain(model or "-"),
            _plain(context or "-"),
            f"{part.calls:,}",
            share(part.hit_rate),
            dollars(part.cost_saved),
        )
    return table


def _table(*headings: str, numbers: tuple[int, ...] | range) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place in numbers else "left")
    return table


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(shown(text))
