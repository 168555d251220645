"""A call's place in the line of its client's rate limit, attempt by attempt."""

from __future__ import annotations

from collections.abc import Mapping

from .limiter import Permit, RateGate


class Turn:
    """Takes a permit for each attempt, and gives back what was not used."""

    __slots__ = ("_gate", "_permit")

    def __init__(self, gate: RateGate) -> None:
        self._gate = gate
        self._permit: Permit | None = None

    def delay(self) -> float:
        """Seconds after which to ask again; 0 if the attempt may go now.

        It may also if it could before, and the service has not seen it since.
        """
        if self._permit is None:
            self._permit = self._gate.permit()
        return self._gate.delay(self._permit)

    def answered(self, headers: Mapping[str, str], status: int | None) -> None:
        """The attempt is over; ``status`` is None where no answer came."""
        if self._permit is not None and self._permit.gone:
            permit, self._permit = self._permit, None
            self._gate.answered(permit, headers, status)

    def leave(self) -> None:
        """The call is over."""
        self.answered({}, None)
        if self._permit is not None:
            permit, self._permit = self._permit, None
            self._gate.give_up(permit)
