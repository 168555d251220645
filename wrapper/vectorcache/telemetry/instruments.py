"""Measures all calls with OpenTelemetry's metrics."""

from __future__ import annotations

from opentelemetry.metrics import Meter

from .. import FinishedCall, ObservedCall, Observer
from . import buckets, names
from .call_facts import call_attributes, end_attributes


class Instruments(Observer):
    """Counts calls, retries and savings, and measures times and scores."""

    def __init__(self, meter: Meter) -> None:
        self._duration = meter.create_histogram(
            names.DURATION_METRIC,
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=buckets.DURATIONS,
        )
        self._calls = meter.create_counter(
            names.CALLS_METRIC, unit="{call}", description="Calls that ended, by their outcome."
        )
        self._retries = meter.create_counter(
            names.RETRIES_METRIC, unit="{retry}", description="Attempts after a call's first."
        )
        # UCUM has no units for currencies, so the unit is an annotation in braces.
        self._cost_saved = meter.create_counter(
            names.COST_SAVED_METRIC, unit="{USD}", description="US dollars that hits saved."
        )
        self._scores = meter.create_histogram(
            names.SIMILARITY_SCORE_METRIC,
            unit="1",
            description="Cosine similarity of hits to the prompts that were found.",
            explicit_bucket_boundaries_advisory=buckets.SCORES,
        )

    def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
        facts = call_attributes(call)
        ended = facts | end_attributes(end)
        self._duration.record(end.elapsed, ended)
        self._calls.add(1, ended)
        if end.attempts > 1:
            self._retries.add(end.attempts - 1, facts)
        if end.result is None or not end.result.cache_hit:
            return
        self._cost_saved.add(end.result.cost_saved, facts)
        if end.result.similarity_score is not None:
            self._scores.record(end.result.similarity_score, facts)
