"""Times, kept as counts in buckets whose widths grow with them."""

from collections.abc import Mapping
from itertools import accumulate
from math import ceil, log
from typing import Any, Final, Self

import attrs

# Each bucket ends 2 % above the one before, so that a percentile is right to within 1 %, as in
# DDSketch (Masson, Rim and Lee 2019, https://arxiv.org/abs/1908.10693).
_GROWTH: Final = 1.02
_PER_UNIT: Final = 1 / log(_GROWTH)
_SHORTEST: Final = 1e-6


@attrs.frozen
class Latency:
    """How long calls took, in seconds; all but ``count`` None where there were none.

    Attributes:
        count: how many calls.
        mean: their mean.
        p50: half of them took at most this long; right to within 1 %, as are the others.
        p90: nine in ten did.
        p95: 95 in 100 did.
        p99: 99 in 100 did.
        max: the longest.
        histogram: how many took up to each of these times, by seconds, and longer than the one
            2 % below it; times without any are left out.
    """

    count: int = 0
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None
    histogram: Mapping[float, int] = attrs.field(factory=dict, hash=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-serialisable values, without the histogram."""
        return attrs.asdict(self, filter=lambda field, _: field.name != "histogram")


class Times:
    """Counts times as they come."""

    __slots__ = ("buckets", "longest", "total")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.total = 0.0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        bucket = ceil(log(max(_SHORTEST, seconds)) * _PER_UNIT)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        self.total += seconds
        if seconds > self.longest:
            self.longest = seconds

    def merge(self, other: Self) -> None:
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.total += other.total
        self.longest = max(self.longest, other.longest)

    def latency(self) -> Latency:
        count = sum(self.buckets.values())
        if not count:
            return Latency()
        ordered = dict(sorted(self.buckets.items()))

        def within(share: float) -> float:
            return min(_percentile(ordered, count, share), self.longest)

        return Latency(
            count,
            self.total / count,
            within(0.5),
            within(0.9),
            within(0.95),
            within(0.99),
            self.longest,
            {_GROWTH**bucket: seen for bucket, seen in ordered.items()},
        )


def _percentile(ordered: Mapping[int, int], count: int, share: float) -> float:
    rank = ceil(share * count)
    reached = accumulate(ordered.values())
    bucket = next(b for b, seen in zip(ordered, reached, strict=True) if seen >= rank)
    # The point from which both ends of the bucket are equally far in proportion.
    return 2.0 * _GROWTH**bucket / (1.0 + _GROWTH)
