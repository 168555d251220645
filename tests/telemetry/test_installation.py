"""The extras ``opentelemetry`` and ``prometheus``."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = "import sys; sys.modules[{!r}] = None\n"


def run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("OpenTelemetryObserver", "opentelemetry", "opentelemetry"),
        ("PrometheusCollector", "prometheus_client", "prometheus"),
    ],
)
def test_without_the_extra(name: str, package: str, extra: str) -> None:
    """If a package is missing, importing the class that needs it says what to install."""
    program = f"""{WITHOUT.format(package)}
from vectorcache import ConfigurationError
import vectorcache.telemetry
try:
    from vectorcache.telemetry import {name}
except ConfigurationError as error:
    print(error)
"""
    told = run(program)
    assert told.startswith(f"{name} needs ")
    assert f"pip install 'vectorcache-python[{extra}]'" in told


@pytest.mark.parametrize(
    ("name", "missing"),
    [("OpenTelemetryObserver", "prometheus_client"), ("PrometheusCollector", "opentelemetry")],
)
def test_one_extra_is_enough(name: str, missing: str) -> None:
    """Each of the two classes works without the extra of the other."""
    program = (
        f"{WITHOUT.format(missing)}\nfrom vectorcache.telemetry import {name}\nprint('it does')"
    )
    assert run(program) == "it does\n"


def test_what_is_not_there() -> None:
    """Any other name is an ``AttributeError``, as of any module."""
    import vectorcache.telemetry

    assert not hasattr(vectorcache.telemetry, "Nothing")


def test_the_api_alone() -> None:
    """With OpenTelemetry's API and no SDK, calls work as usual, and nothing is recorded."""
    program = f"""{WITHOUT.format("opentelemetry.sdk")}
import httpx
from opentelemetry import trace
from vectorcache import VectorcacheClient
from vectorcache.telemetry import OpenTelemetryObserver

hit = dict(cache_hit=True, response="A", cost_saved=0.1, llm_provider="cache")
transport = httpx.MockTransport(lambda request: httpx.Response(200, json=hit))
observer = OpenTelemetryObserver()
with VectorcacheClient("vc_key", http_client=transport, observers=[observer]) as client:
    print(client.query("Q", "m").response, trace.get_current_span() is trace.INVALID_SPAN)
"""
    assert run(program) == "A True\n"


def test_providers_that_come_later() -> None:
    """An observer made before the program sets its providers uses them once they are set."""
    program = """
import httpx
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from vectorcache import VectorcacheClient
from vectorcache.telemetry import OpenTelemetryObserver

hit = dict(cache_hit=True, response="A", cost_saved=0.1, llm_provider="cache")
transport = httpx.MockTransport(lambda request: httpx.Response(200, json=hit))
observer = OpenTelemetryObserver()
spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
with VectorcacheClient("vc_key", http_client=transport, observers=[observer]) as client:
    client.query("Q", "m")
    trace.set_tracer_provider(TracerProvider())
    trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(spans))
    metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
    client.query("Q", "m")
found = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
print(len(spans.get_finished_spans()), sorted(metric.name for metric in found)[0])
"""
    assert run(program) == "1 gen_ai.client.operation.duration\n"


def test_importing_is_light() -> None:
    """``import vectorcache`` loads neither extra, and the package never loads the SDK."""
    loaded = "{'opentelemetry', 'opentelemetry.sdk', 'prometheus_client'} & set(sys.modules)"
    assert run(f"import sys, vectorcache.telemetry; print({loaded})") == "set()\n"
    program = "from vectorcache.telemetry import OpenTelemetryObserver; OpenTelemetryObserver()"
    assert run(f"import sys; {program}; print({loaded})") == "{'opentelemetry'}\n"
