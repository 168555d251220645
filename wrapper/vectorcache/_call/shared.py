"""What all calls of a client share, and the copies that ``with_options`` makes of it."""

from __future__ import annotations

import attrs

from .._rate_limit.gate import RateGate
from .._stats.recorder import Recorder
from .circuit import Circuit
from .coalescing import Coalescing, Outcome
from .retry import RetryQuota


@attrs.frozen
class Shared:
    """What one call does that the next has to know of.

    Attributes:
        quota: what may be spent on retries.
        circuit: the circuit breaker; None for none.
        gate: the rate limit; None for none.
        coalescing: the queries in progress that equal ones may wait for.
        recorder: the statistics.
    """

    quota: RetryQuota
    circuit: Circuit | None = None
    gate: RateGate | None = None
    coalescing: Coalescing[Outcome] = attrs.field(factory=Coalescing)
    recorder: Recorder = attrs.field(factory=Recorder)
