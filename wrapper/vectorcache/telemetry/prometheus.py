"""Shows ``client.stats`` to Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final, Protocol

import attrs
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from .. import ConfigurationError, Latency, Scores, Stats
from .._arguments import check_flag
from . import buckets, names

# The label of what the client counts together, beyond its thousand pairs of model and context.
_BEYOND: Final = "other"


class _HasStats(Protocol):
    @property
    def stats(self) -> Stats: ...


class PrometheusCollector(Collector):
    """Shows what clients have counted, when Prometheus asks; calls take no longer for it.

    Register it once: ``prometheus_client.REGISTRY.register(PrometheusCollector(client))``. The
    names are in ``vectorcache.telemetry.names``. Beyond the client's thousand pairs of model and
    context, the label of the model (and, with ``by_context``, of the context) is ``other``.

    Args:
        clients: a client, or a mapping of names to clients, which become the label ``client``.
            The calls of copies made by ``with_options`` count in the original client.
        by_context: whether there is a label ``context``, and so series for each context. By
            default the contexts are added up.

    Raises:
        ConfigurationError: an argument is invalid.
    """

    def __init__(
        self, clients: _HasStats | Mapping[str, _HasStats], *, by_context: bool = False
    ) -> None:
        self._named = isinstance(clients, Mapping)
        self._clients = dict(clients) if isinstance(clients, Mapping) else {"": clients}
        for client in self._clients.values():
            if not isinstance(getattr(client, "stats", None), Stats):
                raise ConfigurationError(
                    "PrometheusCollector takes a client, or a mapping of names to clients, but "
                    f"it got a {type(client).__name__}"
                )
        self._by_context = check_flag("by_context", by_context, ConfigurationError)
        labels = {
            names.LABEL_CLIENT: self._named,
            names.LABEL_MODEL: True,
            names.LABEL_CONTEXT: self._by_context,
        }
        self._labels = [name for name, wanted in labels.items() if wanted]

    def describe(self) -> Iterable[Metric]:
        """Returns the metrics without values, so that the registry can refuse names used twice."""
        return _Families(self._labels)

    def collect(self) -> Iterable[Metric]:
        """Returns the metrics, with all that was counted until now."""
        families = _Families(self._labels)
        for labels, sums in self._sums().items():
            families.add(labels, sums)
        return families

    def _sums(self) -> dict[tuple[str, ...], _Sums]:
        found: dict[tuple[str, ...], _Sums] = {}
        for client, one in self._clients.items():
            for (model, context), stats in one.stats.by_model_and_context.items():
                labels = [client] if self._named else []
                labels.append(_BEYOND if model is None else model)
                if self._by_context:
                    labels.append(_BEYOND if model is None else context or "")
                found.setdefault(tuple(labels), _Sums()).add(stats)
        return found


class _Buckets:
    """A histogram with the given upper bounds."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, histogram: Mapping[float, int], mean: float | None) -> None:
        for upper_end, count in histogram.items():
            self._counts[bisect_left(self._bounds, upper_end)] += count
        self.total += (mean or 0.0) * sum(histogram.values())

    def cumulative(self) -> list[tuple[str, float]]:
        bounds = [*map(str, self._bounds), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True))


@attrs.define
class _Sums:
    """The sums of all counts that have the same labels."""

    outcomes: dict[str, int] = attrs.field(factory=dict)
    errors: dict[str, int] = attrs.field(factory=dict)
    retries: int = 0
    cost_saved: float = 0.0
    scores: _Buckets = attrs.field(factory=lambda: _Buckets(buckets.SCORES))
    hits: _Buckets = attrs.field(factory=lambda: _Buckets(buckets.LATENCIES))
    misses: _Buckets = attrs.field(factory=lambda: _Buckets(buckets.LATENCIES))

    def add(self, stats: Stats) -> None:
        _add_counts(
            self.outcomes,
            {
                names.HIT: stats.hits,
                names.MISS: stats.misses,
                names.FALLBACK: stats.fallbacks,
                names.FAILED: stats.failed,
                names.CANCELLED: stats.cancelled,
            },
        )
        _add_counts(self.errors, stats.errors)
        self.retries += stats.retries
        self.cost_saved += stats.cost_saved
        self._add_scores(stats.scores)
        self._add_times(stats.hit_latency, stats.miss_latency)

    def _add_scores(self, scores: Scores) -> None:
        # The upper end of a hundredth belongs to the next one. So a score equal to a bound counts
        # above the bound; only 1, the highest score, counts below.
        ends = {min(1.0, round(lower + 0.01, 2)): n for lower, n in scores.histogram.items()}
        self.scores.add(ends, scores.mean)

    def _add_times(self, hits: Latency, misses: Latency) -> None:
        self.hits.add(hits.histogram, hits.mean)
        self.misses.add(misses.histogram, misses.mean)


def _add_counts(counts: dict[str, int], others: Mapping[str, int]) -> None:
    for name, count in others.items():
        counts[name] = counts.get(name, 0) + count


class _Families:
    """The metrics in the order in which they are shown; they are filled by ``add``."""

    def __init__(self, labels: list[str]) -> None:
        by_outcome = [*labels, names.LABEL_OUTCOME]
        self._calls = CounterMetricFamily(
            names.PROMETHEUS_CALLS, "Calls that ended, by their outcome.", labels=by_outcome
        )
        self._errors = CounterMetricFamily(
            names.PROMETHEUS_ERRORS,
            "Calls that failed, by the class of error.",
            labels=[*labels, names.LABEL_ERROR],
        )
        self._retries = CounterMetricFamily(
            names.PROMETHEUS_RETRIES, "Attempts after a call's first.", labels=labels
        )
        self._cost_saved = CounterMetricFamily(
            names.PROMETHEUS_COST_SAVED, "US dollars that hits saved.", labels=labels
        )
        self._scores = HistogramMetricFamily(
            names.PROMETHEUS_SCORES,
            "Cosine similarity of hits to the prompts that were found, to a hundredth.",
            labels=labels,
        )
        self._latency = HistogramMetricFamily(
            names.PROMETHEUS_LATENCY,
            "Seconds from the call to the answer, waits included, of hits and misses; to 2 %.",
            labels=by_outcome,
        )

    def __iter__(self) -> Iterator[Metric]:
        return iter(
            (
                self._calls,
                self._errors,
                self._retries,
                self._cost_saved,
                self._scores,
                self._latency,
            )
        )

    def add(self, labels: tuple[str, ...], sums: _Sums) -> None:
        # Zeros are added as well: if a series began with 1, ``rate`` would miss that increase.
        for outcome, count in sums.outcomes.items():
            self._calls.add_metric([*labels, outcome], count)
        for error, count in sums.errors.items():
            self._errors.add_metric([*labels, error], count)
        self._retries.add_metric(labels, sums.retries)
        self._cost_saved.add_metric(labels, sums.cost_saved)
        self._scores.add_metric(labels, sums.scores.cumulative(), sums.scores.total)
        for outcome, times in ((names.HIT, sums.hits), (names.MISS, sums.misses)):
            self._latency.add_metric([*labels, outcome], times.cumulative(), times.total)
