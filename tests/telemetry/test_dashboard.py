"""The Grafana dashboard that comes with the package."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from itertools import combinations
from typing import Any

import pytest
from clients import KEY
from prometheus_client import CollectorRegistry
from servers import MISS, ScriptedServer, answer

from vectorcache import RetryPolicy, VectorcacheClient, VectorcacheError
from vectorcache.telemetry import PrometheusCollector

DASHBOARD: dict[str, Any] = json.loads(
    files("vectorcache.telemetry").joinpath("dashboard.json").read_text()
)
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
VARIABLES: list[dict[str, Any]] = DASHBOARD["templating"]["list"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
QUERIES += [variable["definition"] for variable in VARIABLES if variable["type"] == "query"]

# The labels that Prometheus itself adds to each series of a target.
TARGET_LABELS = {"job", "instance"}

# The names in queries that are not metrics; every other name is one.
FUNCTIONS = {"sum", "rate", "increase", "histogram_quantile", "label_values"}

_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^]]*\]")

# A metric → the values that each of its labels had.
Exposed = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def exposed() -> Exposed:
    """Returns what the collector shows after every event that a client counts."""
    found: Exposed = {}
    with ScriptedServer() as server:
        server.script = [
            *(answer({"detail": "boom"}, status=500), answer(), answer(MISS)),
            *(answer({"detail": "no"}, status=422), answer({"detail": "no"}, status=400)),
        ]
        with VectorcacheClient(
            KEY, server.url, retry=RetryPolicy.without_waiting(), fallback=lambda *_: "else"
        ) as client:
            for _ in range(3):
                client.query("Q", "m")
            with pytest.raises(VectorcacheError):
                client.query("Q", "m")
            registry = CollectorRegistry()
            registry.register(PrometheusCollector(client))
            for family in registry.collect():
                for sample in family.samples:
                    labels = found.setdefault(sample.name, {})
                    for label, value in sample.labels.items():
                        labels.setdefault(label, set()).add(value)
    return found


def faults(query: str, exposed: Exposed) -> Iterator[str]:
    """Yields what is wrong with a query."""
    bare = _RANGE.sub("", query)
    grouped = {
        label.strip() for labels in _GROUPING.findall(bare) for label in labels.split(",") if label
    }
    bare = _GROUPING.sub("", bare)
    # This function is Grafana's own; its second argument is a label.
    if bare.startswith("label_values("):
        bare, _, label = bare.rpartition(",")
        grouped.add(label.strip(" )"))
    metrics = [(name, inside) for name, inside in _SELECTOR.findall(bare) if name not in FUNCTIONS]
    if not metrics:
        yield "it names no metric"
    for metric, inside in metrics:
        if metric not in exposed:
            yield f"the collector has no metric {metric}"
            continue
        for label in sorted(grouped - exposed[metric].keys() - TARGET_LABELS):
            yield f"{metric} has no label {label}"
        for label, operator, value in _MATCHER.findall(inside):
            if label not in exposed[metric].keys() | TARGET_LABELS:
                yield f"{metric} has no label {label}"
            elif not value.startswith("$"):
                values = value.split("|") if "~" in operator else [value]
                for one in set(values) - exposed[metric][label]:
                    yield f"{metric} is never {label}={one}"


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_names_what_exists(exposed: Exposed, query: str) -> None:
    """Each metric, label and label's value in a query is one that the collector shows."""
    assert list(faults(query, exposed)) == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        (
            "sum(rate(vectorcache_call_total[5m]))",
            "the collector has no metric vectorcache_call_total",
        ),
        ("sum by (kind) (vectorcache_calls_total)", "vectorcache_calls_total has no label kind"),
        ('vectorcache_calls_total{kind="hit"}', "vectorcache_calls_total has no label kind"),
        (
            'vectorcache_calls_total{outcome=~"hit|hits"}',
            "vectorcache_calls_total is never outcome=hits",
        ),
        ("sum(vector(1)) / up", "the collector has no metric vector"),
        ("sum by (model) (rate([5m]))", "it names no metric"),
        (
            "label_values(vectorcache_calls_total, kind)",
            "vectorcache_calls_total has no label kind",
        ),
    ],
)
def test_the_check_sees(exposed: Exposed, query: str, fault: str) -> None:
    """The test above finds a query that names anything else."""
    assert fault in list(faults(query, exposed))


def test_every_metric_is_shown(exposed: Exposed) -> None:
    """The dashboard shows every metric of the collector."""
    shown = " ".join(QUERIES)
    families = {re.sub("_(bucket|sum|count)$", "", metric) for metric in exposed}
    assert [family for family in families if family not in shown] == []


def test_it_can_be_imported() -> None:
    """Grafana can import it, and it uses the data source that is chosen there."""
    assert DASHBOARD["title"] == "Vectorcache"
    assert DASHBOARD["uid"] == "vectorcache"
    assert isinstance(DASHBOARD["schemaVersion"], int)
    assert "id" not in DASHBOARD  # An id would replace the dashboard that already has it.
    (source,) = (one for one in VARIABLES if one["type"] == "datasource")
    assert (source["name"], source["query"]) == ("datasource", "prometheus")
    for part in [*PANELS, *(target for panel in PANELS for target in panel["targets"])]:
        assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_every_variable_exists() -> None:
    """A query uses only variables of the dashboard and those that Grafana sets."""
    known = {variable["name"] for variable in VARIABLES} | {"__rate_interval", "__range"}
    for query in QUERIES:
        assert set(re.findall(r"\$(\w+)", query)) <= known


def test_panels() -> None:
    """Each panel has a title, a description, a query and an id of its own."""
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"]
        assert panel["targets"]
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
    for name in ("id", "title"):
        assert len({panel[name] for panel in PANELS}) == len(PANELS)


def test_nothing_covers_anything() -> None:
    """All panels are within Grafana's 24 columns, and none is over another."""

    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        at = panel["gridPos"]
        return {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}

    for panel in PANELS:
        assert all(0 <= x < 24 for x, _ in cells(panel))
    for one, other in combinations(PANELS, 2):
        assert not cells(one) & cells(other), (one["title"], other["title"])
