"""An OpenTelemetry SDK that keeps spans and metrics in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from vectorcache.telemetry import OpenTelemetryObserver

# The attributes of a point, as a key for a mapping.
Labels = frozenset[tuple[str, Any]]


def id_of(span: ReadableSpan) -> int:
    """Returns the id of a span."""
    context = span.get_span_context()
    assert context is not None
    return context.span_id


class Recorded:
    """The spans and metrics that an observer has recorded."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meter_provider = MeterProvider(metric_readers=[self._reader])
        self.tracer = self.tracer_provider.get_tracer("application")

    def observer(self, **options: Any) -> OpenTelemetryObserver:
        return OpenTelemetryObserver(self.tracer_provider, self.meter_provider, **options)

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """The spans of calls, in the order of their ends, without those of the application."""
        return [
            span
            for span in self._exporter.get_finished_spans()
            if span.instrumentation_scope is not None
            and span.instrumentation_scope.name == "vectorcache"
        ]

    @property
    def span(self) -> ReadableSpan:
        """The span, if there is exactly one."""
        (only,) = self.spans
        return only

    @property
    def metrics(self) -> dict[str, Any]:
        """All metrics by their names."""
        return {metric.name: metric for metric in self._metrics()}

    def _metrics(self) -> Iterator[Any]:
        data = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                yield from scope.metrics

    def points(self, metric: str) -> dict[Labels, Any]:
        """Returns the points of a metric by their attributes; empty if nothing was recorded."""
        if metric not in (metrics := self.metrics):
            return {}
        return {frozenset(p.attributes.items()): p for p in metrics[metric].data.data_points}

    def everything(self) -> str:
        """Everything that would leave the process, as text."""
        spans = [span.to_json() for span in self._exporter.get_finished_spans()]
        return "\n".join([*spans, *(metric.to_json() for metric in self._metrics())])

    def close(self) -> None:
        self.tracer_provider.shutdown()
        self.meter_provider.shutdown()
