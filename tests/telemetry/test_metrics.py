"""The metrics of calls in OpenTelemetry."""

from __future__ import annotations

from typing import Any

import pytest
from clients import MakeClient
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from servers import HIT, MISS, ScriptedServer, answer
from telemetry.recorded import Labels, Recorded, id_of

from vectorcache import AuthenticationError
from vectorcache.telemetry import OpenTelemetryObserver

BOOM = answer({"detail": "boom"}, status=500)


def facts(server: ScriptedServer, **more: str) -> Labels:
    """Returns the attributes of every point, and some more."""
    return frozenset(
        {
            "gen_ai.operation.name": "text_completion",
            "gen_ai.provider.name": "vectorcache",
            "gen_ai.request.model": "m",
            "server.address": "127.0.0.1",
            "server.port": server.port,
            **{name.replace("_", "."): value for name, value in more.items()},
        }.items()
    )


@pytest.fixture
def some_calls(make_client: MakeClient, server: ScriptedServer, recorded: Recorded) -> Any:
    """The statistics of two hits, a miss after two retries, a failure and a fallback."""
    server.script = [
        answer(HIT),
        answer({**HIT, "similarity_score": 0.88, "cost_saved": 0.01}),
        *(BOOM, BOOM, answer(MISS)),
        answer({"detail": "no"}, status=401),
        answer({"detail": "no"}, status=422),
    ]
    client = make_client(observers=[recorded.observer()], model="m", fallback=lambda *_: "else")
    for _ in range(3):
        client.query("Q", context="c")
    with pytest.raises(AuthenticationError):
        client.query("Q")
    client.query("Q")
    return client.stats


def test_calls(server: ScriptedServer, recorded: Recorded, some_calls: Any) -> None:
    """A counter counts calls by their outcome."""
    points = recorded.points("vectorcache.calls")
    assert {labels: point.value for labels, point in points.items()} == {
        facts(server, vectorcache_outcome="hit"): 2,
        facts(server, vectorcache_outcome="miss"): 1,
        facts(server, vectorcache_outcome="fallback"): 1,
        facts(server, vectorcache_outcome="failed", error_type="AuthenticationError"): 1,
    }


def test_durations(server: ScriptedServer, recorded: Recorded, some_calls: Any) -> None:
    """The durations are the convention's histogram, with the buckets that it advises."""
    points = recorded.points("gen_ai.client.operation.duration")
    hits = points[facts(server, vectorcache_outcome="hit")]
    assert hits.count == 2
    assert hits.sum == pytest.approx(some_calls.hit_latency.mean * 2, rel=0.5)
    assert hits.explicit_bounds == (
        *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
    )
    calls = recorded.points("vectorcache.calls")
    assert {labels: point.count for labels, point in points.items()} == {
        labels: point.value for labels, point in calls.items()
    }


def test_savings_scores_and_retries(
    server: ScriptedServer, recorded: Recorded, some_calls: Any
) -> None:
    """Metrics have the savings and scores of hits, and the retries."""
    (saved,) = recorded.points("vectorcache.cost_saved").items()
    assert saved[0] == facts(server)
    assert saved[1].value == pytest.approx(some_calls.cost_saved) == pytest.approx(0.0123)
    (scores,) = recorded.points("vectorcache.similarity_score").values()
    assert (scores.count, scores.min, scores.max) == (2, 0.88, 0.94)
    assert scores.explicit_bounds[0] == 0.5
    assert scores.explicit_bounds[-1] == 1.0
    (retries,) = recorded.points("vectorcache.retries").values()
    assert retries.value == some_calls.retries == 2


def test_a_miss_saves_nothing(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded
) -> None:
    """Only hits have scores and savings, whatever the service says of a miss."""
    server.script = [answer({**MISS, "similarity_score": 0.5, "cost_saved": 1})]
    client = make_client(observers=[recorded.observer()])
    client.query("Q", "m")
    assert (client.stats.scores.count, client.stats.cost_saved) == (0, 0.0)
    assert recorded.points("vectorcache.similarity_score") == {}
    assert recorded.points("vectorcache.cost_saved") == {}


def test_they_agree_with_the_statistics(recorded: Recorded, some_calls: Any) -> None:
    """Metrics have the same counts as ``client.stats``."""
    found: dict[str, int] = {}
    for labels, point in recorded.points("vectorcache.calls").items():
        found[dict(labels)["vectorcache.outcome"]] = point.value
    assert found == {
        "hit": some_calls.hits,
        "miss": some_calls.misses,
        "fallback": some_calls.fallbacks,
        "failed": some_calls.failed,
    }


def test_units(recorded: Recorded, some_calls: Any) -> None:
    """Units are those of UCUM, with annotations where it has no unit."""
    assert {name: metric.unit for name, metric in recorded.metrics.items()} == {
        "gen_ai.client.operation.duration": "s",
        "vectorcache.calls": "{call}",
        "vectorcache.cost_saved": "{USD}",
        "vectorcache.retries": "{retry}",
        "vectorcache.similarity_score": "1",
    }


def test_a_duration_leads_to_its_trace(make_client: MakeClient, recorded: Recorded) -> None:
    """A histogram's exemplars name the span of the call."""
    reader = InMemoryMetricReader()
    meters = MeterProvider(metric_readers=[reader], exemplar_filter=AlwaysOnExemplarFilter())
    make_client(observers=[OpenTelemetryObserver(recorded.tracer_provider, meters)]).query("Q", "m")
    data = reader.get_metrics_data()
    assert data is not None
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    durations: Any = next(one for one in metrics if one.name == "gen_ai.client.operation.duration")
    (point,) = durations.data.data_points
    (exemplar,) = point.exemplars
    assert exemplar.span_id == id_of(recorded.span)
    meters.shutdown()
