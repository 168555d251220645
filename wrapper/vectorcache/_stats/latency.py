"""Keeps times as counts in buckets; the longer the times, the wider the buckets."""

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
    """How long calls took, in seconds. Without calls, all figures but ``count`` are None.

    Attributes:
        count: the number of calls.
        mean: their mean time.
        p50: half of the calls took at most this long. This and the other percentiles are right to
            within 1 %.
        p90: 90 % of the calls took at most this long.
        p95: 95 % of the calls took at most this long.
        p99: 99 % of the calls took at most this long.
        max: the time of the longest call.
        histogram: the number of calls in each step, by the upper end of the step in seconds. The
            lower end is 2 % below. Steps without calls are left out.
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
        """Returns the fields as JSON-serialisable values, without the histogram."""
        return attrs.asdict(self, filter=lambda field, _: field.name != "histogram")


class Times:
    """Counts times, and computes their mean and percentiles."""

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
    # This point has the same relative distance from both ends of the bucket.
    return 2.0 * _GROWTH**bucket / (1.0 + _GROWTH)
