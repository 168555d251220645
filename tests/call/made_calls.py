"""Calls in a test's own time, without a network."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from clients import KEY
from clock import Clock

from vectorcache import APIConnectionError, RetryPolicy, VectorcacheClient, VectorcacheError
from vectorcache._call.call import Call
from vectorcache._call.circuit import Circuit
from vectorcache._call.client_state import ClientState
from vectorcache._call.failure import Failure, Repeat
from vectorcache._call.options import CallOptions
from vectorcache._call.retry import RetryQuota
from vectorcache._query import Query
from vectorcache._rate_limit.gate import RateGate
from vectorcache._rate_limit.window import Rate
from vectorcache_api.models import QueryResponse

HIT = {
    "cache_hit": True,
    "response": "answer",
    "similarity_score": 0.94,
    "cost_saved": 0.5,
    "llm_provider": "cache",
}


BROKEN = Failure(error=APIConnectionError, text="no connection", repeat=Repeat.TRANSIENT)


def make_call(
    clock: Clock | None = None,
    *,
    quota: RetryQuota | None = None,
    circuit: Circuit | None = None,
    policy: RetryPolicy | None = None,
    unit: float = 1.0,
    deadline: float | None = None,
    max_retries: int = 2,
) -> Call:
    """A call whose rules are tested; ``unit`` is the random number that jitter is made of."""
    with VectorcacheClient(KEY, "https://cache.test", retry=policy or RetryPolicy()) as client:
        settings = client._settings
    return Call(
        settings,
        ClientState(quota or RetryQuota(500), circuit),
        Query("Q", "m", 0.85),
        CallOptions({}, 30.0, deadline, max_retries),
        clock=clock or Clock(),
        random_unit=lambda: unit,
    )


def end_of(call: Call, *failures: Failure, clock: Clock | None = None) -> VectorcacheError:
    """The error that the last of the failures ends the call with; each attempt takes 2 s."""
    *others, last = failures
    for one in others:
        call.attempt().begin(None)
        if clock is not None:
            clock.now += 2
        call.delay_after(one)
    call.attempt().begin(None)
    if clock is not None:
        clock.now += 2
    with pytest.raises(VectorcacheError) as caught:
        call.delay_after(last)
    return caught.value


def answered(call: Call, body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    attempt = call.attempt()
    attempt.begin(None)
    attempt.reader(httpx.Response(200, headers=headers))
    return call.result(QueryResponse.from_dict(body))


class Made:
    """A call in the test's own time, with the state of its client."""

    def __init__(
        self, deadline: float | None = None, requests: int | None = None, **options: Any
    ) -> None:
        self.clock = Clock()
        gate = None if requests is None else RateGate(Rate(requests, 60), self.clock)
        self.state = ClientState(RetryQuota(500), None, gate)
        with VectorcacheClient(KEY, **options) as client:
            settings = client._settings
        self.call = Call(
            settings,
            self.state,
            Query("Q", "m", 0.85, "c"),
            CallOptions({"x-own": "1"}, 30.0, deadline, 2),
            clock=self.clock,
            random_unit=lambda: 0.0,
        )

    @property
    def counted(self) -> dict[str, Any]:
        """What has been counted, without what is 0."""
        return {name: value for name, value in self.state.recorder.reset().to_dict().items()
                if value and isinstance(value, int)}  # fmt: skip
