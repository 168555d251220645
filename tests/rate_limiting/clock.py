"""Time for tests of rules, and a gate's line in it."""

from __future__ import annotations

from vectorcache._rate_limit.limiter import Permit, RateGate


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def lets_go(gate: RateGate, most: int = 1_000) -> list[Permit]:
    """The permits of as many requests as may go now; the one that may not gives up its place."""
    gone: list[Permit] = []
    while len(gone) < most:
        permit = gate.permit()
        if gate.delay(permit) > 0:
            gate.give_up(permit)
            break
        gone.append(permit)
    return gone


def waiting(gate: RateGate, count: int) -> list[Permit]:
    """So many that wait, in this order."""
    permits = [gate.permit() for _ in range(count)]
    for permit in permits:
        assert gate.delay(permit) > 0
    return permits
