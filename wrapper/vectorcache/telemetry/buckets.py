"""Defines the upper bounds of the buckets of all histograms."""

from __future__ import annotations

from typing import Final

# Seconds, as the convention of DURATION_METRIC (see names.py) advises.
DURATIONS: Final = tuple(0.01 * 2**n for n in range(14))

# Seconds in Prometheus: finer from 50 to 150 ms, where hits are, and up to the default deadline.
LATENCIES: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 20.0, 30.0, 60.0),
)

# Cosine similarity: finer in the range in which thresholds are chosen.
SCORES: Final = (
    *(0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.86, 0.88),
    *(0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 1.0),
)
