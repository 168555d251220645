"""The state that all calls of a client share, also those of copies by ``with_options``."""

from __future__ import annotations

import attrs

from .._rate_limit.gate import RateGate
from .._stats.recorder import Recorder
from .circuit import Circuit
from .coalescing import Coalescing, Outcome
from .retry import RetryQuota


@attrs.frozen
class Shared:
    """The state that one call changes and the next call has to know.

    Attributes:
        quota: the tokens that may be spent on retries.
        circuit: the circuit breaker; None if the client does not have one.
        gate: the rate limit; None if the client does not have one.
        coalescing: the queries in progress, for which equal ones may wait.
        recorder: the statistics.
    """

    quota: RetryQuota
    circuit: Circuit | None = None
    gate: RateGate | None = None
    coalescing: Coalescing[Outcome] = attrs.field(factory=Coalescing)
    recorder: Recorder = attrs.field(factory=Recorder)
