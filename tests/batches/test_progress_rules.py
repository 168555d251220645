"""The progress reports of a batch, without a network."""

from __future__ import annotations

import time

import pytest
from batches.steps import HIT, MISS, batch_of, sent

from vectorcache import BatchProgress


class Bar:
    """A progress bar that keeps what it was told."""

    def __init__(self) -> None:
        self.total: int | None = -1
        self.told: list[BatchProgress] = []
        self.closed = 0

    def make(self, total: int | None) -> Bar:
        self.total = total
        return self

    def __call__(self, progress: BatchProgress) -> None:
        self.told.append(progress)

    def close(self) -> None:
        self.closed += 1


class TestProgress:
    """The progress reports of a batch."""

    def test_each_prompt_counts(self) -> None:
        """Hits, failures and savings add up, prompt by prompt."""
        bar = Bar()
        batch = batch_of(concurrency=4, total=5, make_bar=bar.make)
        assert bar.total == -1
        batch.begin()
        assert bar.total == 5
        jobs = sent(batch, "a", "b", "c")
        batch.add("a")
        batch.finished(jobs[0], HIT, None)
        batch.finished(jobs[1], MISS, None)
        batch.finished(jobs[2], None, ZeroDivisionError())
        batch.add(7)
        assert [
            (told.done, told.total, told.hits, told.failed, told.cost_saved) for told in bar.told
        ] == [
            (1, 5, 1, 0, 0.25),
            (2, 5, 2, 0, 0.5),
            (3, 5, 2, 0, 0.5),
            (4, 5, 2, 1, 0.5),
            (5, 5, 2, 2, 0.5),
        ]
        assert bar.closed == 0
        batch.close()
        assert bar.closed == 1

    def test_the_time_begins_with_the_batch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """``elapsed`` counts from the first prompt, and not from the call of ``query_many``."""
        now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: now)
        bar = Bar()
        batch = batch_of(make_bar=bar.make)
        now = 107.0
        batch.begin()
        (job,) = sent(batch, "a")
        now = 110.5
        batch.finished(job, HIT, None)
        assert bar.told[0].elapsed == 3.5

    def test_without_a_bar(self) -> None:
        """A batch of which nothing is shown ends as any other."""
        batch = batch_of()
        batch.begin()
        batch.close()
