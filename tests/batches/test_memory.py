"""What a batch keeps of the prompts that it is done with: nothing."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest

from vectorcache import VectorcacheResponse
from vectorcache._batch.batch import Batch, Step
from vectorcache._query import Query

ANSWER = VectorcacheResponse(True, "answer", 0.9, 0.0, "cache")


def make_query(fields: Mapping[str, Any]) -> Query:
    return Query(fields["prompt"], "m", 0.85)


def answer_prompts(batch: Batch, first: int, end: int) -> None:
    for number in range(first, end):
        job = batch.add(f"prompt {number}")
        assert job is not None
        batch.finished(job, ANSWER, None)
        result = batch.next_result()
        assert result is not None
        assert result.index == number


@pytest.mark.parametrize("ordered", [True, False])
def test_memory_is_flat(ordered: bool) -> None:
    """Of ten thousand more prompts not a byte for each stays behind."""
    batch = Batch(
        make_query, concurrency=4, ordered=ordered, errors="return", total=None, make_bar=None
    )
    batch.begin()
    answer_prompts(batch, 0, 1_000)
    tracemalloc.start()
    answer_prompts(batch, 1_000, 2_000)
    before, _ = tracemalloc.get_traced_memory()
    answer_prompts(batch, 2_000, 12_000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 10_000
    assert batch.next_step() is Step.PULL
