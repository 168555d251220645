"""The frame, scales and shapes of a chart, as SVG text; all text is escaped here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

# In units of the drawing, not of the screen. The chart is narrow to stay readable on a phone.
WIDTH: Final = 420
HEIGHT: Final = 284
LEFT: Final = 58
RIGHT: Final = 400
TOP: Final = 44
BOTTOM: Final = 236


class Chart:
    """A frame with shapes in it; its vertical axis goes from ``lowest`` to ``highest``.

    Args:
        title: what the chart shows.
        summary: the same in a sentence, for readers who cannot see the chart.
        horizontal: name and unit of the horizontal axis.
        vertical: name and unit of the vertical axis.
        highest: the upper end of the vertical axis.
        ticks: the marks of the vertical axis and their labels.
        lowest: the lower end of the vertical axis.
    """

    def __init__(
        self,
        title: str,
        summary: str,
        horizontal: str,
        vertical: str,
        highest: float,
        ticks: Sequence[tuple[float, str]],
        lowest: float = 0.0,
    ) -> None:
        self._title = title
        self._summary = summary
        self._lowest = lowest
        self._highest = highest
        self._shapes: list[str] = []
        for value, label in ticks:
            y = self.y(value)
            self.line(LEFT, y, RIGHT, y, "grid")
            self.text(LEFT - 6, y + 4, label, "end")
        self.text((LEFT + RIGHT) / 2, HEIGHT - 8, horizontal, "middle", "axis")
        # The name stands above the axis, not along it, as rotated words are hard to read.
        self.text(4, 14, vertical, "start", "axis")

    def y(self, value: float) -> float:
        """Returns the y coordinate of a value."""
        share = (value - self._lowest) / (self._highest - self._lowest)
        return BOTTOM - (BOTTOM - TOP) * min(max(share, 0), 1)

    def bar(self, x: float, width: float, lower: float, upper: float, kind: str, said: str) -> None:
        """Draws a bar from one value to another; ``said`` is its tooltip."""
        top = self.y(upper)
        height = self.y(lower) - top
        self._shapes.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{top:.1f}" width="{max(width, 0.5):.1f}" '
            f'height="{height:.1f}"><title>{escape(said)}</title></rect>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """Draws a straight line."""
        self._shapes.append(
            f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
        )

    def path(self, points: list[tuple[float, float]], kind: str) -> None:
        """Draws a line through points."""
        if len(points) > 1:
            placed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            self._shapes.append(f'<polyline class="{kind}" points="{placed}"/>')

    def dot(self, x: float, y: float, kind: str, said: str, *, square: bool = False) -> None:
        """Draws a round or square point; the shapes differ because some readers see no colours."""
        inside = f"<title>{escape(said)}</title>"
        if square:
            shape = f'<rect class="{kind}" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8">'
            self._shapes.append(f"{shape}{inside}</rect>")
        else:
            shape = f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4.5">'
            self._shapes.append(f"{shape}{inside}</circle>")

    def text(
        self, x: float, y: float, words: str, anchor: str = "middle", kind: str = "tick"
    ) -> None:
        """Writes words, which are anchored at their start, middle or end."""
        self._shapes.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    def __str__(self) -> str:
        shapes = "".join(self._shapes)
        said = escape(f"{self._title}. {self._summary}")
        return (
            f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{said}">'
            f"<title>{said}</title>{shapes}"
            f'<line class="base" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/></svg>'
        )


def round_steps(highest: float, *, whole: bool = False) -> list[float]:
    """Returns four to six round numbers from 0 to at least ``highest``."""
    if highest <= 0:
        return [0.0, 1.0]
    power = 10 ** math.floor(math.log10(highest / 4))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power * 5 >= highest)
    if whole:
        step = max(1, math.ceil(step))
    return [step * number for number in range(math.ceil(highest / step - 1e-9) + 1)]
