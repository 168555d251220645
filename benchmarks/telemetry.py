"""What telemetry costs a call, and what a scrape costs.

    python benchmarks/telemetry.py [--rounds N] [--write]

Processor time of the thread, of all that is done for one answered call because the client has an
``OpenTelemetryObserver``: with OpenTelemetry's API alone, with its SDK, and with its SDK and a
sampler that drops every trace. What the SDK keeps goes to a processor that forgets it: exporting
happens elsewhere, and is not ours. Medians over the rounds.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import httpx
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import NoOpTracerProvider
from prometheus_client import CollectorRegistry, generate_latest

from vectorcache import FinishedCall, ObservedCall, Observer, Query, Stats, VectorcacheResponse
from vectorcache._observer import Observed
from vectorcache._stats.recorder import Recorder
from vectorcache.telemetry import OpenTelemetryObserver, PrometheusCollector

CALLS = 5_000
GOAL = 100e-6

URL = httpx.URL("https://api.vectorcache.com")
QUERY = Query("What is machine learning?", "gpt-4o", 0.85, "support")
HIT = VectorcacheResponse(True, "The study of programs that improve.", 0.94, 0.0023, "cache")


def api_alone() -> Observer:
    return OpenTelemetryObserver(NoOpTracerProvider(), NoOpMeterProvider())


def sdk(sampler: Sampler, *, content: bool = False) -> Observer:
    tracers = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    tracers.add_span_processor(SpanProcessor())
    meters = MeterProvider(metric_readers=[InMemoryMetricReader()], shutdown_on_exit=False)
    return OpenTelemetryObserver(tracers, meters, record_content=content)


WAYS: dict[str, Callable[[], Observer]] = {
    "an observer that does nothing": Observer,
    "OpenTelemetry's API alone": api_alone,
    "its SDK, no trace sampled": lambda: sdk(ALWAYS_OFF),
    "its SDK, each call a span": lambda: sdk(ALWAYS_ON),
    "the same, with prompt and answer": lambda: sdk(ALWAYS_ON, content=True),
}


def per_call(observer: Observer) -> float:
    """Returns the processor time that observing one call takes, in seconds."""
    observers = (observer,)
    end = FinishedCall(HIT, None, 1, 0.1)
    began = time.thread_time()
    for _ in range(CALLS):
        call = ObservedCall(QUERY, "api.vectorcache.com", URL)
        observed = Observed(Observer(), observers, call)
        observed.started()
        observed.finished(end)
    return (time.thread_time() - began) / CALLS


class Counted:
    """Stands for a client with a number of contexts."""

    def __init__(self, contexts: int) -> None:
        self._recorder = Recorder()
        for n in range(50_000):
            context, seconds = f"context {n % contexts}", 0.001 * (n % 997)
            self._recorder.answered("gpt-4o", context, n % 3 > 0, 0.9, 0.002, seconds, 1)

    @property
    def stats(self) -> Stats:
        return self._recorder.snapshot()


def scrape(contexts: int, by_context: bool) -> tuple[float, int]:
    """Returns the seconds that a scrape takes, and its size in bytes."""
    registry = CollectorRegistry()
    registry.register(PrometheusCollector(Counted(contexts), by_context=by_context))
    text = generate_latest(registry)
    times = []
    for _ in range(5):
        began = time.thread_time()
        generate_latest(registry)
        times.append(time.thread_time() - began)
    return statistics.median(times), len(text)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--write", action="store_true", help="keep the table in results/")
    arguments = options.parse_args()
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(arguments.rounds):
        for way, make in WAYS.items():
            found[way].append(per_call(make()))
    rows = [f"| {way} | {1e6 * statistics.median(times):.1f} |" for way, times in found.items()]
    scrapes = []
    for contexts, by_context in ((1, False), (10, False), (1_000, False), (1_000, True)):
        seconds, size = scrape(contexts, by_context)
        counted = "one context" if contexts == 1 else f"{contexts:,} contexts"
        label = "each a label" if by_context else "added up"
        scrapes.append(f"| {counted}, {label} | {1e3 * seconds:.1f} | {size:,} |")
    text = f"""# What telemetry costs

Python {platform.python_version()}, OpenTelemetry {version("opentelemetry-sdk")}, medians of
{arguments.rounds} rounds of {CALLS:,} answered calls, by `benchmarks/telemetry.py`: processor time
of all that is done because a client has an observer, the SDK's own part included, without
exporting. The goal is less than {1e6 * GOAL:g} µs a call, a thousandth of a hit of 100 ms.

| observer | µs a call |
| --- | ---: |
{chr(10).join(rows)}

A scrape of `PrometheusCollector`, with one model and 50,000 calls counted:

| scrape | ms | bytes |
| --- | ---: | ---: |
{chr(10).join(scrapes)}
"""
    print(text)
    if arguments.write:
        Path(__file__).with_name("results").joinpath("telemetry.md").write_text(text)


if __name__ == "__main__":
    main()
