"""A gate that follows a service's limit, and the answers of that service."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate

from clock import Clock
from rate_limiting.gates import lets_go

from vectorcache._rate_limit.auto import AutoGate
from vectorcache._rate_limit.gate import Permit

# The time of the service's clock when a test begins; it may differ from this machine's clock.
THERE = 1_900_000_000


class HostedLimit:
    """Answers the requests of a gate with the remaining count that a test chooses."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.began = self.clock.now
        self.gate = AutoGate(self.clock)

    def headers(self, left: int, ends_in: float = 60, limit: int | None = 100) -> dict[str, str]:
        now = THERE + self.clock.now - self.began
        told = {
            "date": formatdate(now, usegmt=True),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-reset": str(int(now + ends_in)),
        }
        return told if limit is None else {**told, "x-ratelimit-limit": str(limit)}

    def answer(
        self, left: int, ends_in: float = 60, *, status: int = 200, limit: int | None = 100
    ) -> None:
        """Lets one more request go, and answers it at once."""
        (permit,) = lets_go(self.gate, 1)
        self.gate.answered(permit, self.headers(left, ends_in, limit), status)

    def answer_all(self, permits: list[Permit], headers: Mapping[str, str]) -> None:
        for permit in permits:
            self.gate.answered(permit, headers, 200)

    def delay(self) -> float:
        """Returns the delay of a request that asks once, and then gives up."""
        permit = self.gate.permit()
        delay = self.gate.delay(permit)
        self.gate.give_up(permit)
        return delay
