"""The state that all calls of a client share, and what a copy of the client shares of it."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Final, Self

import attrs

from .._rate_limit.gate import RateGate
from .._rate_limit.limiter import gate_for
from .._settings import Settings
from .._stats.recorder import Recorder
from .circuit import Circuit
from .coalescing import Coalescing, Outcome
from .retry import RetryQuota

# A copy made by ``with_options`` with another of these has a rate limit of its own, as a rate limit
# is counted for one key at one service.
_OWN_RATE_LIMIT: Final = frozenset({"rate_limit", "api_key", "base_url"})

# A copy with another of these does not share requests with the original, as they may end
# differently.
_OWN_REQUESTS: Final = frozenset(
    {
        "api_key",
        "base_url",
        "circuit_breaker",
        "http_client",
        "max_connections",
        "max_response_bytes",
        "rate_limit",
        "retry",
    }
)

# A copy with another of these opens connections of its own.
OWN_CONNECTIONS: Final = frozenset({"base_url", "http_client", "max_connections"})


@attrs.frozen
class ClientState:
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

    @classmethod
    def new(cls, settings: Settings) -> Self:
        """Returns the state of a new client."""
        return cls(RetryQuota(settings.retry.quota), _circuit(settings), _gate(settings))

    def for_copy(self, settings: Settings, changed: Set[str]) -> Self:
        """Returns the state of a copy, which shares all that its other options allow.

        Args:
            settings: the settings of the copy.
            changed: the names of the options that were given for the copy.
        """
        own: dict[str, Any] = {}
        if _OWN_REQUESTS & changed:
            own["coalescing"] = Coalescing()
        if "retry" in changed:
            own["quota"] = RetryQuota(settings.retry.quota)
        if "circuit_breaker" in changed or OWN_CONNECTIONS & changed:
            own["circuit"] = _circuit(settings)
        if _OWN_RATE_LIMIT & changed:
            own["gate"] = _gate(settings)
        return attrs.evolve(self, **own)


def _circuit(settings: Settings) -> Circuit | None:
    breaker = settings.circuit_breaker
    return None if breaker is None else Circuit(breaker, settings.host)


def _gate(settings: Settings) -> RateGate | None:
    limiter = settings.rate_limit
    return None if limiter is None else gate_for(limiter, settings.key_digest)
