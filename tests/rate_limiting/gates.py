"""Takes and holds permits of a rate limit's gate."""

from __future__ import annotations

from vectorcache._rate_limit.gate import Permit, RateGate


def lets_go(gate: RateGate, most: int = 1_000) -> list[Permit]:
    """Returns the permits of all requests that may go now; the next request gives up its place."""
    gone: list[Permit] = []
    while len(gone) < most:
        permit = gate.permit()
        if gate.delay(permit) > 0:
            gate.give_up(permit)
            break
        gone.append(permit)
    return gone


def waiting(gate: RateGate, count: int) -> list[Permit]:
    """Returns ``count`` permits that wait in this order."""
    permits = [gate.permit() for _ in range(count)]
    for permit in permits:
        assert gate.delay(permit) > 0
    return permits
