"""``client.stats``: the statistics of a client's calls."""

from __future__ import annotations

import copy
import json
import math
import pickle
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from clients import AnyClient, MakeClient
from hypothesis import given
from hypothesis import strategies as st
from servers import HIT, MISS, ScriptedServer, answer

from vectorcache import AuthenticationError, InvalidRequestError, Latency, Stats
from vectorcache._stats.latency import Times
from vectorcache._stats.recorder import Recorder


def test_nothing_yet(client: AnyClient) -> None:
    """A new client has counted nothing, and has no rates or means."""
    stats = client.stats
    assert stats == Stats()
    assert (stats.calls, stats.hit_rate, stats.scores.mean) == (0, None, None)
    assert stats.hit_latency == Latency()


def test_hits_and_misses(client: AnyClient, server: ScriptedServer) -> None:
    """Statistics have hits, misses, the hit rate, savings and scores."""
    server.script = [
        answer(HIT),
        answer({**HIT, "similarity_score": 0.88, "cost_saved": 0.01}),
        answer({**HIT, "similarity_score": 1}),
        answer(MISS),
    ]
    for _ in range(4):
        client.query("Q", "m")
    stats = client.stats
    assert (stats.calls, stats.hits, stats.misses, stats.hit_rate) == (4, 3, 1, 0.75)
    assert stats.cost_saved == pytest.approx(2 * 0.0023 + 0.01)
    assert stats.scores.count == 3
    assert stats.scores.mean == pytest.approx((0.94 + 0.88 + 1) / 3)
    assert stats.scores.histogram == {0.88: 1, 0.94: 1, 1.0: 1}
    assert (stats.hit_latency.count, stats.miss_latency.count) == (3, 1)
    assert stats.hit_latency.p50 is not None
    assert stats.hit_latency.max is not None
    assert 0 < stats.hit_latency.p50 <= stats.hit_latency.max


def test_failures_and_retries(client: AnyClient, server: ScriptedServer) -> None:
    """Failed calls count by the class of error, and retries are attempts after the first."""
    boom = answer({"detail": "boom"}, status=500)
    server.script = [boom, answer(), answer({"detail": "no"}, status=401), boom, boom, boom]
    client.query("Q", "m")
    for error in (AuthenticationError, Exception):
        with pytest.raises(error):
            client.query("Q", "m")
    stats = client.stats
    assert stats.errors == {"AuthenticationError": 1, "InternalServerError": 1}
    assert (stats.calls, stats.hits, stats.failed, stats.retries) == (3, 1, 2, 3)


def test_refused_calls_do_not_count(client: AnyClient) -> None:
    """A call that was refused before anything was sent does not count."""
    with pytest.raises(InvalidRequestError):
        client.query("", "m")
    assert client.stats.calls == 0


def test_fallbacks(make_client: MakeClient, server: ScriptedServer) -> None:
    """Answers of the fallback are neither hits nor misses, and do not change the hit rate."""
    server.default = answer({"detail": "no"}, status=422)
    client = make_client(fallback=lambda prompt, model, context: "from elsewhere")
    client.query("Q", "m")
    stats = client.stats
    assert (stats.calls, stats.fallbacks, stats.hits, stats.misses) == (1, 1, 0, 0)
    assert (stats.hit_rate, stats.failed) == (None, 0)


def test_a_fallback_that_fails(make_client: MakeClient, server: ScriptedServer) -> None:
    """A call whose fallback fails counts as failed with the error of the fallback."""

    def fallback(prompt: str, model: str, context: str | None) -> str:
        raise ZeroDivisionError

    server.default = answer({"detail": "no"}, status=422)
    client = make_client(fallback=fallback)
    with pytest.raises(ZeroDivisionError):
        client.query("Q", "m")
    assert client.stats.errors == {"ZeroDivisionError": 1}


def test_by_model_and_context(client: AnyClient) -> None:
    """Each pair of model and context has its own counts, which add up to the whole."""
    client.query("Q", "a")
    client.query("Q", "a", context="x")
    client.query("Q", "b", context="x")
    client.query("Q", "b", context="x")
    stats = client.stats
    groups = stats.by_model_and_context
    assert {group: one.hits for group, one in groups.items()} == {
        ("a", None): 1,
        ("a", "x"): 1,
        ("b", "x"): 2,
    }
    assert sum(one.calls for one in groups.values()) == stats.calls == 4
    assert groups["b", "x"].hit_latency.count == 2


def test_a_copy_counts_with_its_original(client: AnyClient) -> None:
    """A copy made by ``with_options`` counts with its original."""
    client.with_options(model="m").query("Q")
    client.query("Q", "m")
    assert client.stats.calls == client.with_options().stats.calls == 2


def test_reset(client: AnyClient) -> None:
    """``reset`` starts from 0, and returns all that was counted until then."""
    client.query("Q", "m")
    before = client.stats
    client.query("Q", "m")
    assert before.calls == 1
    assert before.reset().calls == 2
    assert client.stats.calls == 0
    client.query("Q", "m")
    assert client.stats.calls == 1


def test_a_snapshot_is_plain_data(client: AnyClient) -> None:
    """Statistics can be compared, pickled, copied and written as JSON; a copy resets nothing."""
    client.query("Q", "m", context="c")
    stats = client.stats
    loaded = pickle.loads(pickle.dumps(stats))
    assert loaded == stats == copy.deepcopy(stats)
    assert loaded.reset() == stats
    assert client.stats == stats
    written = json.loads(json.dumps(stats.to_dict()))
    assert (written["calls"], written["hit_rate"]) == (1, 1.0)
    assert written["scores"]["histogram"] == {"0.94": 1}
    assert written["by_model_and_context"][0]["model"] == "m"
    assert written["by_model_and_context"][0]["context"] == "c"
    assert written["hit_latency"]["count"] == 1


def test_threads_lose_nothing() -> None:
    """No call of 20 threads is lost or counted twice, while others read and reset."""
    recorder = Recorder()
    seen: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            recorder.snapshot()
            seen.append(recorder.reset().calls)

    def count(_: int) -> None:
        for _ in range(2_000):
            recorder.answered("m", None, True, 0.9, 0.01, 0.05, 1)

    looking = threading.Thread(target=look)
    looking.start()
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(count, range(20)))
    over.set()
    looking.join()
    assert sum(seen) + recorder.snapshot().calls == 40_000


def test_a_context_for_each_user_does_not_fill_the_memory() -> None:
    """Beyond 1,000 pairs of model and context, all others are counted together."""
    recorder = Recorder()
    for user in range(2_500):
        recorder.answered("m", f"user {user}", False, None, 0.0, 1.0, 1)
    stats = recorder.snapshot()
    assert (stats.calls, stats.misses) == (2_500, 2_500)
    assert len(stats.by_model_and_context) == 1_001
    assert stats.by_model_and_context[None, None].calls == 1_500
    assert len(recorder._notes) == 0


def test_notes_are_counted_without_being_read() -> None:
    """A client whose statistics are never read keeps only a few hundred notes."""
    recorder = Recorder()
    for n in range(10_000):
        recorder.failed("m", None, "APIConnectionError", 3)
        recorder.ended("cancelled", "m", None, 0)
        recorder.ended("fallback", "m", None, 2)
        assert len(recorder._notes) <= 501, n
    stats = recorder.snapshot()
    assert (stats.failed, stats.cancelled, stats.fallbacks) == (10_000, 10_000, 10_000)
    assert stats.retries == 10_000 * (2 + 0 + 1)


@given(st.lists(st.floats(min_value=1e-5, max_value=1e4), min_size=1, max_size=300))
def test_percentiles_are_right_to_a_hundredth(times: list[float]) -> None:
    """Each percentile is within 1 % of the value that has that rank."""
    counted = Times()
    for seconds in times:
        counted.add(seconds)
    latency = counted.latency()
    ordered = sorted(times)
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        right = ordered[math.ceil(share * len(ordered)) - 1]
        assert getattr(latency, name) == pytest.approx(right, rel=0.0101)
    assert latency.max == ordered[-1]
    assert latency.mean == pytest.approx(sum(times) / len(times))
    assert latency.count == len(times)


@given(st.lists(st.floats(1e-6, 1e4), min_size=1))
def test_the_histogram_of_times(times: list[float]) -> None:
    """Each time counts once, under the end of its step, which is at most 2 % above it."""
    counted = Times()
    for seconds in times:
        counted.add(seconds)
    latency = counted.latency()
    assert sum(latency.histogram.values()) == latency.count
    ends = [end for end, count in latency.histogram.items() for _ in range(count)]
    for seconds, end in zip(sorted(times), ends, strict=True):
        assert seconds * (1 - 1e-9) <= end <= seconds * (1.02 + 1e-9)
    assert "histogram" not in latency.to_dict()


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-300])
def test_no_time_at_all(seconds: float) -> None:
    """A time of 0 or less counts as any other."""
    counted = Times()
    counted.add(seconds)
    assert counted.latency().count == 1


@given(st.integers(0, 10_000))
def test_scores_are_in_their_hundredth(tenth_of_a_thousandth: int) -> None:
    """A score counts in its hundredth, in spite of rounding in binary fractions."""
    score = tenth_of_a_thousandth / 10_000
    recorder = Recorder()
    recorder.answered("m", None, True, score, 0.0, 1.0, 1)
    assert recorder.snapshot().scores.histogram == {tenth_of_a_thousandth // 100 / 100: 1}


def test_merging_is_adding() -> None:
    """The whole is the same as if the calls had been counted without groups."""
    grouped, whole = Recorder(), Recorder()
    numbers = random.Random(1)
    for n in range(2_000):
        hit, seconds = numbers.random() < 0.6, numbers.expovariate(1.0)
        score = round(numbers.uniform(0.85, 1), 3) if hit else None
        grouped.answered(f"m{n % 7}", None, hit, score, 0.25 * hit, seconds, 1 + n % 3)
        whole.answered("m", None, hit, score, 0.25 * hit, seconds, 1 + n % 3)
    one, other = grouped.snapshot().to_dict(), whole.snapshot().to_dict()
    for stats in (one, other):
        del stats["by_model_and_context"]
        for part in ("scores", "hit_latency", "miss_latency"):
            stats[part]["mean"] = round(stats[part]["mean"], 9)
    assert one == other
