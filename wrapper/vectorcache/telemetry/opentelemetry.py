"""Reports calls to OpenTelemetry, as spans and metrics."""

from __future__ import annotations

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from .. import (
    ConfigurationError,
    FailedAttempt,
    FinishedCall,
    ObservedCall,
    Observer,
    __version__,
)
from .._arguments import check_flag
from . import names
from .instruments import Instruments
from .spans import Spans


class OpenTelemetryObserver(Observer):
    """Makes a client span of each call, with an event for each attempt that failed, and metrics.

    All names are in ``vectorcache.telemetry.names``: those of OpenTelemetry's GenAI conventions
    where they fit, ``vectorcache.*`` where they do not. One observer may serve any number of
    clients.

    Args:
        tracer_provider: makes the tracer; None for the global one, even if that is set later.
        meter_provider: makes the meter; None for the global one, even if that is set later.
        record_content: whether spans have the prompt, the answer, and the messages of errors,
            which may quote either. Metrics never do.
        record_context: whether spans have the query's ``context``, which may name a person.
            Metrics never do.

    Raises:
        ConfigurationError: an argument is invalid.

    Examples:
        >>> observer = OpenTelemetryObserver()
        >>> client = VectorcacheClient(observers=[observer])  # doctest: +SKIP
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        *,
        record_content: bool = False,
        record_context: bool = False,
    ) -> None:
        _check_provider("tracer_provider", tracer_provider, "get_tracer")
        _check_provider("meter_provider", meter_provider, "get_meter")
        tracer = trace.get_tracer(names.SCOPE, __version__, tracer_provider, names.SCHEMA_URL)
        meter = metrics.get_meter(names.SCOPE, __version__, meter_provider, names.SCHEMA_URL)
        self._spans = Spans(
            tracer,
            record_content=check_flag("record_content", record_content, ConfigurationError),
            record_context=check_flag("record_context", record_context, ConfigurationError),
        )
        self._instruments = Instruments(meter)

    def call_started(self, call: ObservedCall) -> None:
        """Begins the span of the call, and makes it the current one."""
        self._spans.call_started(call)

    def attempt_failed(self, call: ObservedCall, attempt: FailedAttempt) -> None:
        """Adds an event for the failed attempt to the span."""
        self._spans.attempt_failed(call, attempt)

    def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
        """Counts and measures the call, and ends its span."""
        try:
            # This comes first, while the span is current: the SDK stores its id as an exemplar.
            self._instruments.call_finished(call, end)
        finally:
            self._spans.call_finished(call, end)


def _check_provider(name: str, value: object, method: str) -> None:
    if value is not None and not callable(getattr(value, method, None)):
        raise ConfigurationError(
            f"{name} is of type {type(value).__name__}, which has no {method}(): pass the provider "
            "itself, or None for the global one"
        )
