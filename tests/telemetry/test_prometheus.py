"""``PrometheusCollector`` shows ``client.stats`` to Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from clients import AnyClient, MakeClient
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from servers import HIT, MISS, ScriptedServer, answer

from vectorcache import (
    AuthenticationError,
    ConfigurationError,
    Stats,
    VectorcacheClient,
    VectorcacheError,
)
from vectorcache._stats.recorder import Recorder
from vectorcache.telemetry import PrometheusCollector

BOOM = answer({"detail": "boom"}, status=500)


class Counted:
    """A stand-in for a client with the statistics of a recorder."""

    def __init__(self) -> None:
        self.recorder = Recorder()

    @property
    def stats(self) -> Stats:
        return self.recorder.snapshot()


Series = tuple[str, frozenset[tuple[str, str]]]


def series_of(families: Iterable[Metric]) -> dict[Series, float]:
    """Returns the values of all series."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


class Scrape:
    """The result of a scrape by Prometheus."""

    def __init__(self, collector: PrometheusCollector) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(collector)
        self.series = series_of(self._registry.collect())

    @property
    def text(self) -> str:
        """The result as text, as it goes over the network."""
        return generate_latest(self._registry).decode()

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.series.get((f"vectorcache_{name}", frozenset(labels.items())))

    def all(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        return {labels: v for (n, labels), v in self.series.items() if n == f"vectorcache_{name}"}


def test_all_of_a_clients_calls(make_client: MakeClient, server: ScriptedServer) -> None:
    """It shows calls, errors, retries, savings, scores and times for each model."""
    server.script = [
        answer(HIT),
        answer({**HIT, "similarity_score": 0.88, "cost_saved": 0.01}),
        *(BOOM, BOOM, answer(MISS)),
        answer({"detail": "no"}, status=401),
        answer({"detail": "no"}, status=422),
    ]
    client = make_client(fallback=lambda *_: "else")
    for _ in range(3):
        client.query("Q", "m", context="c")
    with pytest.raises(AuthenticationError):
        client.query("Q", "m")
    client.query("Q", "m")
    found, stats = Scrape(PrometheusCollector(client)), client.stats
    counts = {"hit": 2, "miss": 1, "fallback": 1, "failed": 1, "cancelled": 0}
    for outcome, count in counts.items():
        assert found("calls_total", model="m", outcome=outcome) == count
    assert found("errors_total", model="m", error="AuthenticationError") == 1
    assert found("retries_total", model="m") == 2
    assert found("cost_saved_dollars_total", model="m") == pytest.approx(0.0123)
    assert found("similarity_score_bucket", model="m", le="0.86") == 0
    assert found("similarity_score_bucket", model="m", le="0.9") == 1
    assert found("similarity_score_bucket", model="m", le="0.95") == 2
    assert found("similarity_score_count", model="m") == 2
    assert found("similarity_score_sum", model="m") == pytest.approx(0.94 + 0.88)
    assert found("latency_seconds_count", model="m", outcome="hit") == 2
    assert found("latency_seconds_count", model="m", outcome="miss") == 1
    assert stats.hit_latency.mean is not None
    mean = pytest.approx(2 * stats.hit_latency.mean)
    assert found("latency_seconds_sum", model="m", outcome="hit") == mean
    assert series_of(text_string_to_metric_families(found.text)) == found.series


def test_nothing_yet(client: AnyClient) -> None:
    """A client without calls has no series, but its metrics are known."""
    found = Scrape(PrometheusCollector(client))
    assert found.series == {}
    assert "# TYPE vectorcache_calls_total counter" in found.text
    assert "# TYPE vectorcache_latency_seconds histogram" in found.text


def test_contexts_are_no_labels(client: AnyClient) -> None:
    """Contexts are added up by default, as there may be one for each user."""
    client.query("Q", "m", context="a")
    client.query("Q", "m", context="b")
    client.query("Q", "n")
    found = Scrape(PrometheusCollector(client))
    assert found("calls_total", model="m", outcome="hit") == 2
    assert found("similarity_score_count", model="m") == 2
    assert found("calls_total", model="n", outcome="hit") == 1
    assert "context" not in found.text


def test_contexts_that_are_asked_for(client: AnyClient) -> None:
    """With ``by_context`` each context has its own series; no context is an empty label."""
    client.query("Q", "m", context="a")
    client.query("Q", "m")
    found = Scrape(PrometheusCollector(client, by_context=True))
    assert found("calls_total", model="m", context="a", outcome="hit") == 1
    assert found("calls_total", model="m", context="", outcome="hit") == 1


@pytest.mark.parametrize("by_context", [False, True])
def test_the_number_of_series_is_bounded(by_context: bool) -> None:
    """Beyond a client's thousand pairs of model and context, the label is ``other``."""
    counted = Counted()
    for number in range(1_200):
        counted.recorder.answered(f"m{number}", f"c{number}", True, 0.9, 0.0, 0.1, 1)
    found = Scrape(PrometheusCollector(counted, by_context=by_context))
    retries = found.all("retries_total")
    assert len(retries) == 1_001
    labels = {"model": "other", **({"context": "other"} if by_context else {})}
    assert found("calls_total", outcome="hit", **labels) == 200


@pytest.mark.parametrize("score", [0.5, 0.8499, 0.85, 0.929, 0.93, 0.9999, 1.0])
def test_the_bucket_of_a_score(score: float) -> None:
    """A score is in the bucket with its bounds; a score of 1 is in the last one."""
    counted = Counted()
    counted.recorder.answered("m", None, True, score, 0.0, 0.1, 1)
    found = Scrape(PrometheusCollector(counted))
    for labels, count in found.all("similarity_score_bucket").items():
        bound = float(dict(labels)["le"])
        if bound != score or score == 1.0:
            assert count == (bound >= score), bound


@pytest.mark.parametrize("seconds", [0.0001, 0.02, 0.11, 0.9, 4.2, 59.0, 300.0])
def test_the_bucket_of_a_time(seconds: float) -> None:
    """A time is in the bucket with its bounds, and the longest is not lost."""
    counted = Counted()
    counted.recorder.answered("m", None, True, 0.9, 0.0, seconds, 1)
    found = Scrape(PrometheusCollector(counted))
    for labels, count in found.all("latency_seconds_bucket").items():
        bound, outcome = float(dict(labels)["le"]), dict(labels)["outcome"]
        assert count == (outcome == "hit" and bound >= seconds), bound


def test_several_clients(make_client: MakeClient) -> None:
    """A mapping gives each client a label; copies count with their original."""
    chat, search = make_client(), make_client()
    chat.query("Q", "m")
    chat.with_options(context="c").query("Q", "m")
    search.query("Q", "m")
    found = Scrape(PrometheusCollector({"chat": chat, "search": search}))
    assert found("calls_total", client="chat", model="m", outcome="hit") == 2
    assert found("calls_total", client="search", model="m", outcome="hit") == 1


def test_each_scrape_is_the_latest(client: AnyClient) -> None:
    """Each scrape shows the latest counts; counters go down only by ``reset()``."""
    registry = CollectorRegistry()
    registry.register(PrometheusCollector(client))
    labels = {"model": "m", "outcome": "hit"}
    for count in (1, 2):
        client.query("Q", "m")
        assert registry.get_sample_value("vectorcache_calls_total", labels) == count
    client.stats.reset()
    client.query("Q", "m")
    assert registry.get_sample_value("vectorcache_calls_total", labels) == 1


def test_it_is_registered_once(client: AnyClient) -> None:
    """The registry refuses a second collector, and a metric with the same name."""
    registry = CollectorRegistry()
    collector = PrometheusCollector(client)
    registry.register(collector)
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(PrometheusCollector(client))
    with pytest.raises(ValueError, match="Duplicated"):
        Counter("vectorcache_calls", "Another's.", registry=registry)
    registry.unregister(collector)
    registry.register(PrometheusCollector(client))


@pytest.mark.parametrize("wrong", [None, "client", VectorcacheClient, [], {"chat": "client"}])
def test_what_is_not_a_client(wrong: Any) -> None:
    """Other arguments are refused, and the error says which are valid."""
    with pytest.raises(ConfigurationError, match="takes a client, or a mapping"):
        PrometheusCollector(wrong)


def test_no_words_of_users(make_client: MakeClient, server: ScriptedServer) -> None:
    """Prometheus reads no prompt, no answer and no message of an error."""
    server.script = [
        answer({**HIT, "response": "its own answer"}),
        answer({"detail": "my own question"}, status=400),
    ]
    client = make_client()
    client.query("my own question", "m")
    with pytest.raises(VectorcacheError):
        client.query("my own question", "m")
    text = Scrape(PrometheusCollector(client, by_context=True)).text
    assert "own" not in text


def test_clients_may_be_any_mapping(client: AnyClient) -> None:
    """An empty mapping has no series, and later changes of the mapping have no effect."""
    clients: dict[str, AnyClient] = {}
    collector = PrometheusCollector(clients)
    clients["late"] = client
    client.query("Q", "m")
    assert Scrape(collector).series == {}


def test_a_flag_is_a_flag(client: AnyClient) -> None:
    """``by_context`` must be True or False: a text such as ``"no"`` is refused."""
    wrong: Any = "no"
    with pytest.raises(ConfigurationError, match="by_context"):
        PrometheusCollector(client, by_context=wrong)
