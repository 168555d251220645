"""Calls in a test's own time, without a network."""

from __future__ import annotations

from typing import Any

from clients import KEY

from vectorcache import (
    APIConnectionError,
    VectorcacheClient,
)
from vectorcache._call.call import Call
from vectorcache._call.failure import Failure
from vectorcache._call.retry import Repeat, RetryQuota
from vectorcache._call.shared import Shared
from vectorcache._query import Query
from vectorcache._rate_limit.limiter import Rate, RateGate

HIT = {
    "cache_hit": True,
    "response": "answer",
    "similarity_score": 0.94,
    "cost_saved": 0.5,
    "llm_provider": "cache",
}


BROKEN = Failure(error=APIConnectionError, text="no connection", repeat=Repeat.TRANSIENT)


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Made:
    """A call in the test's own time, with what it shares."""

    def __init__(
        self, deadline: float | None = None, requests: int | None = None, **options: Any
    ) -> None:
        self.clock = Clock()
        gate = None if requests is None else RateGate(Rate(requests, 60), self.clock)
        self.shared = Shared(RetryQuota(500), None, gate)
        with VectorcacheClient(KEY, **options) as client:
            settings = client._settings
        self.call = Call(
            settings,
            self.shared,
            Query("Q", "m", 0.85, "c"),
            {"x-own": "1"},
            timeout=30.0,
            deadline=deadline,
            max_retries=2,
            clock=self.clock,
            random_unit=lambda: 0.0,
        )

    @property
    def counted(self) -> dict[str, Any]:
        """What has been counted, without what is 0."""
        return {name: value for name, value in self.shared.recorder.reset().to_dict().items()
                if value and isinstance(value, int)}  # fmt: skip
