"""A batch's state, driven by hand: what it does next, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vectorcache import VectorcacheResponse
from vectorcache._batch.batch import Batch, Job, Step
from vectorcache._query import Query

HIT = VectorcacheResponse(True, "a", 0.9, 0.25, "cache")
MISS = VectorcacheResponse(False, "a", None, 0.0, "openai")


def query_of(fields: Mapping[str, Any]) -> Query:
    return Query.checked(
        fields["prompt"], fields.get("model", "m"), 0.85, fields.get("context"), False
    )


def batch_of(concurrency: int = 2, **options: Any) -> Batch:
    settings = {"ordered": True, "errors": "return", "total": None, "make_bar": None, **options}
    return Batch(query_of, concurrency=concurrency, **settings)


def sent(batch: Batch, *prompts: object) -> list[Job]:
    """The queries that the batch sends for these prompts, all of which it does send."""
    jobs = []
    for prompt in prompts:
        assert batch.next_step() is Step.PULL
        job = batch.add(prompt)
        assert job is not None
        jobs.append(job)
    return jobs


def given_out(batch: Batch) -> list[int]:
    """The indexes of the results that may be given out now."""
    found = []
    while (item := batch.next_result()) is not None:
        found.append(item.index)
    return found
