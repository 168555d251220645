"""A call's place in the line of its client's rate limit, attempt by attempt."""

from __future__ import annotations

from collections.abc import Mapping

from ._rate_limit import Permit, RateGate


class Turn:
    """Takes a permit for each attempt, and gives back what was not used."""

    __slots__ = ("_gate", "_gone", "_permit")

    def __init__(self, gate: RateGate) -> None:
        self._gate = gate
        self._permit: Permit | None = None
        self._gone = False

    @property
    def blocks(self) -> bool:
        """Whether ``delay`` may wait for the network."""
        return self._gate.blocks

    def delay(self) -> float:
        """Seconds after which to ask again; 0 if the attempt may go now."""
        if self._gone:
            return 0.0  # The service has not seen the request that this was for.
        if self._permit is None:
            self._permit = self._gate.permit()
        delay = self._gate.delay(self._permit)
        self._gone = delay <= 0
        return max(0.0, delay)

    def answered(self, headers: Mapping[str, str], status: int | None) -> None:
        """The attempt is over; ``status`` is None where no answer came."""
        if self._permit is not None and self._gone:
            permit, self._permit, self._gone = self._permit, None, False
            self._gate.answered(permit, headers, status)

    def leave(self) -> None:
        """The call is over."""
        if self._gone:
            self.answered({}, None)
        elif self._permit is not None:
            permit, self._permit = self._permit, None
            self._gate.give_up(permit)
