"""One pass over the prompts finds the same as a separate run for each threshold."""

from __future__ import annotations

import math
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.effort import examples
from tuning.service import Service, answer_all, brute_force

from vectorcache.tuning import estimate
from vectorcache.tuning.exploration import Exploration

Vectors: TypeAlias = st.SearchStrategy[tuple[float, ...]]

NUMBERS = st.floats(-1, 1, width=32).map(lambda number: round(number, 3))
# The first number is the largest part, so that most prompts are alike.
VECTORS: Vectors = st.tuples(st.just(1.0), NUMBERS, NUMBERS, NUMBERS)
OPPOSITE: Vectors = st.tuples(st.sampled_from([-1.0, 1.0]), NUMBERS, NUMBERS)
# In a plane, where many vectors lie between a prompt and its closest match.
ANGLES: Vectors = st.integers(0, 900).map(
    lambda tenths: (math.cos(tenths / 573), math.sin(tenths / 573))
)
THRESHOLDS = st.lists(
    st.integers(40, 100).map(lambda hundredths: hundredths / 100),
    min_size=1,
    max_size=6,
    unique=True,
)


Workload: TypeAlias = tuple[Service, list[str]]


@st.composite
def workloads(draw: st.DrawFn, vectors: Vectors) -> Workload:
    """Draws a service with its prompts, and these in any order, with a few repeats."""
    known = dict(enumerate(draw(st.lists(vectors, min_size=2, max_size=30))))
    named = {f"prompt {number}": vector for number, vector in known.items()}
    repeats = draw(st.lists(st.sampled_from(sorted(named)), max_size=10))
    return Service(named), draw(st.permutations([*named, *repeats]))


def check(service: Service, prompts: list[str], thresholds: list[float]) -> None:
    labels = [int(prompt.split()[1]) % 3 for prompt in prompts]
    report = service.tune(prompts, labels=labels, thresholds=thresholds)
    assert not report.failed
    for result in report.thresholds:
        really = brute_force(service, prompts, result.threshold)
        assert result.hits == len(really.hits)
        assert result.misses == len(prompts) - len(really.hits)
        assert result.cost_saved == pytest.approx(really.saved(prompts))
        if result.precision is not None:
            assert result.precision.count == really.right(labels)
    expected = estimate(prompts, thresholds)
    assert report.calls <= expected.calls_at_most
    assert report.llm_calls <= expected.llm_calls_at_most
    assert report.calls_one_by_one == len(prompts) * len(thresholds)


@given(workload=workloads(VECTORS), thresholds=THRESHOLDS)
@examples(100)
def test_any_prompts(workload: Workload, thresholds: list[float]) -> None:
    """Hits, savings and right hits equal those of real runs, within the estimated calls."""
    check(*workload, thresholds)


@given(workload=workloads(OPPOSITE), thresholds=THRESHOLDS)
@examples(40)
def test_a_service_that_misses_at_threshold_0(workload: Workload, thresholds: list[float]) -> None:
    """The same holds for a service whose scores are below 0, so that a comparison may store."""
    check(*workload, thresholds)


@given(workload=workloads(VECTORS), thresholds=THRESHOLDS)
@examples(40)
def test_answers_that_are_all_the_same(workload: Workload, thresholds: list[float]) -> None:
    """If all answers are the same text, the names of the entries tell which prompt matched."""
    service, prompts = workload
    service.answer = lambda prompt: "I do not know"
    check(service, prompts, thresholds)


@given(workload=workloads(VECTORS), thresholds=THRESHOLDS)
@examples(40)
def test_nearest_prompts(workload: Workload, thresholds: list[float]) -> None:
    """If the service names the nearest prompt, neither entry names nor answers are needed."""
    service, prompts = workload
    service.answer = lambda prompt: "I do not know"
    service.names_prompts, service.names_entries = True, False
    report = service.tune(prompts, thresholds=thresholds)
    service.names_entries = True
    assert not report.failed
    for result in report.thresholds:
        assert result.hits == len(brute_force(service, prompts, result.threshold).hits)


@given(workload=workloads(VECTORS), thresholds=THRESHOLDS)
@examples(40)
def test_entries_without_names(workload: Workload, thresholds: list[float]) -> None:
    """If the service names no entries, the texts of the answers tell which prompt matched."""
    service, prompts = workload
    service.names_entries = False
    report = service.tune(prompts, thresholds=thresholds)
    service.names_entries = True
    for result in report.thresholds:
        assert result.hits == len(brute_force(service, prompts, result.threshold).hits)


@given(workload=workloads(ANGLES), thresholds=THRESHOLDS)
@examples(150)
def test_each_match(workload: Workload, thresholds: list[float]) -> None:
    """Each prompt has the same score at each threshold as in a real run."""
    service, prompts = workload
    exploration = Exploration(prompts, sorted(thresholds), "own")
    answer_all(exploration.run(), service.answer_query)
    for at, threshold in enumerate(sorted(thresholds)):
        really = brute_force(service, prompts, threshold)
        for index in range(len(prompts)):
            match = exploration.matches[index][at]
            found = None if match is None else match.score
            assert found == (really.hits[index][1] if index in really.hits else None)
