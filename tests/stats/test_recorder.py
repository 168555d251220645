"""How calls are counted when they end, without a network."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vectorcache import Latency, Stats
from vectorcache._stats.recorder import Recorder


@pytest.fixture
def recorder() -> Recorder:
    """Calls of every kind, in two groups."""
    recorder = Recorder()
    recorder.answered("m", None, True, 0.93, 0.5, 0.25, 1)
    recorder.answered("m", None, True, 0.9399, 0.25, 0.75, 2)
    recorder.answered("m", None, True, None, 0.25, 0.5, 1)
    recorder.answered("m", None, False, None, 0.0, 2.0, 3)
    for model in ("m", "n"):
        recorder.ended("fallback", model, "c", 2)
        recorder.ended("fallback", model, "c", 1)
        recorder.failed(model, "c", "RateLimitError", 3)
        recorder.failed(model, "c", "APITimeoutError", 1)
        recorder.failed(model, "c", "RateLimitError", 1)
        recorder.ended("cancelled", model, "c", 0)
        recorder.answered(model, "c", True, 1.0, 1.0, 4.0, 1)
    return recorder


Taken = Callable[[Recorder], Stats]


@pytest.mark.parametrize("taken", [Recorder.snapshot, Recorder.reset])
def test_the_whole(recorder: Recorder, taken: Taken) -> None:
    """Every call counts once, whether the figures are read or reset."""
    stats = taken(recorder)
    assert (stats.calls, stats.hits, stats.misses, stats.fallbacks) == (18, 5, 1, 4)
    assert (stats.failed, stats.cancelled, stats.retries) == (6, 2, 1 + 2 + 2 * (1 + 2))
    assert stats.errors == {"RateLimitError": 4, "APITimeoutError": 2}
    assert stats.cost_saved == 3.0
    assert stats.scores.count == 4
    assert stats.scores.mean == pytest.approx(3.8699 / 4)
    assert stats.scores.histogram == {0.93: 2, 1.0: 2}
    assert stats.hit_latency.count == 5
    assert stats.hit_latency.mean == pytest.approx(9.5 / 5)
    assert (stats.hit_latency.max, stats.miss_latency.max) == (4.0, 2.0)
    assert (stats.miss_latency.count, stats.miss_latency.mean) == (1, 2.0)
    assert stats.hit_rate == 5 / 6


@pytest.mark.parametrize("taken", [Recorder.snapshot, Recorder.reset])
def test_each_group(recorder: Recorder, taken: Taken) -> None:
    """Each pair of model and context has its own figures, for every outcome."""
    groups = taken(recorder).by_model_and_context
    assert list(groups) == [("m", None), ("m", "c"), ("n", "c")]
    first, second, third = groups.values()
    assert (first.calls, first.hits, first.misses, first.retries) == (4, 3, 1, 3)
    assert (first.failed, first.fallbacks, first.cancelled, first.cost_saved) == (0, 0, 0, 1.0)
    assert second == third
    assert (second.calls, second.hits, second.fallbacks, second.failed) == (7, 1, 2, 3)
    assert (second.cancelled, second.retries, second.cost_saved) == (1, 3, 1.0)
    assert second.errors == {"RateLimitError": 2, "APITimeoutError": 1}
    assert second.hit_latency.count == 1
    assert second.miss_latency == Latency()
    assert second.by_model_and_context == {}


def test_counting_goes_on(recorder: Recorder) -> None:
    """Later calls do not change figures taken before; after ``reset`` counts begin at 0."""
    before = recorder.snapshot()
    recorder.answered("m", None, True, 0.93, 0.5, 0.25, 1)
    assert (before.calls, before.scores.histogram[0.93]) == (18, 2)
    assert before.by_model_and_context["m", None].hits == 3
    assert recorder.reset().calls == 19
    assert recorder.snapshot() == Stats()
    recorder.ended("cancelled", "m", None, 1)
    assert recorder.snapshot().calls == 1


@pytest.mark.parametrize(
    ("score", "lower"),
    [(0.0, 0.0), (0.0099, 0.0), (0.29, 0.29), (0.57, 0.57), (0.58, 0.58), (0.9999, 0.99), (1, 1)],
)
def test_score_buckets(score: float, lower: float) -> None:
    """A score counts in its hundredth, which is named by its lower end."""
    recorder = Recorder()
    recorder.answered("m", None, True, score, 0.0, 1.0, 1)
    assert recorder.snapshot().scores.histogram == {lower: 1}


def test_scores_are_in_order() -> None:
    """The histogram is sorted by score, whatever the order of the hits was."""
    recorder = Recorder()
    for score in (0.95, 0.91, 0.99, 0.91):
        recorder.answered("m", None, True, score, 0.0, 1.0, 1)
    assert list(recorder.snapshot().scores.histogram.items()) == [(0.91, 2), (0.95, 1), (0.99, 1)]


def test_only_hits_have_scores_and_savings() -> None:
    """A score or a saving that a service names for a miss does not count."""
    recorder = Recorder()
    recorder.answered("m", None, False, 0.5, 0.25, 1.0, 1)
    stats = recorder.snapshot()
    assert (stats.scores.count, stats.scores.mean, stats.cost_saved) == (0, None, 0.0)


@pytest.mark.parametrize(("attempts", "retries"), [(0, 0), (1, 0), (2, 1), (5, 4)])
def test_retries(attempts: int, retries: int) -> None:
    """Retries are the attempts after the first; a call without an attempt has none."""
    recorder = Recorder()
    recorder.ended("cancelled", "m", None, attempts)
    assert recorder.snapshot().retries == retries


def test_as_a_dictionary(recorder: Recorder) -> None:
    """``to_dict`` has every figure by its name, and the groups if there are any."""
    stats = recorder.snapshot()
    fields = stats.to_dict()
    groups = fields.pop("by_model_and_context")
    assert fields == {
        "calls": 18,
        "hits": 5,
        "misses": 1,
        "hit_rate": 5 / 6,
        "fallbacks": 4,
        "failed": 6,
        "cancelled": 2,
        "retries": 9,
        "cost_saved": 3.0,
        "errors": {"RateLimitError": 4, "APITimeoutError": 2},
        "scores": {"count": 4, "mean": stats.scores.mean, "histogram": {"0.93": 2, "1.00": 2}},
        "hit_latency": stats.hit_latency.to_dict(),
        "miss_latency": stats.miss_latency.to_dict(),
    }
    assert [(group["model"], group["context"], group["calls"]) for group in groups] == [
        ("m", None, 4),
        ("m", "c", 7),
        ("n", "c", 7),
    ]
    assert "by_model_and_context" not in groups[0]
    assert "by_model_and_context" not in Stats().to_dict()
