"""Simulates an hour of a rate-limited service, whose workers always want to send more.

The gates are those of the client. Time is virtual: a number that moves from event to event, so
nothing sleeps. ``benchmarks/rate_limits.py`` publishes the results.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from typing import Protocol

import attrs

from vectorcache._rate_limit.limiter import RateLimiter, gate_for

# The time of the servers' clocks when the simulation begins: in the middle of a minute.
EPOCH = 1_800_000_017.3

# Seconds after which a waiting call asks again, as in ``vectorcache._call.call``.
ASKS_AGAIN = 5.0


class Time:
    """Virtual time, in seconds, and the events that will happen in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def clock(self) -> float:
        return self.now

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), event))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, event = heapq.heappop(self._events)
            event()


class Server(Protocol):
    """A way to count requests."""

    def count(self, now: float) -> tuple[bool, int, float]:
        """Returns whether a request at Unix time ``now`` is let in, what is left, and Reset."""
        ...


class FixedWindow:
    """Counts by the minute of the clock: tells a limit of ``told``, and refuses above ``cap``."""

    def __init__(self, told: int, cap: int) -> None:
        self._told, self._cap = told, cap
        self._minute, self._used = 0, 0

    def count(self, now: float) -> tuple[bool, int, float]:
        if int(now // 60) != self._minute:
            self._minute, self._used = int(now // 60), 0
        let_in = self._used < self._cap
        self._used += let_in
        return let_in, max(0, self._told - self._used), 60.0 * (self._minute + 1)


class SlidingLog:
    """Counts the requests of the last minute; Reset is when the oldest of them leaves it."""

    def __init__(self, told: int, cap: int) -> None:
        self._told, self._cap = told, cap
        self._log: deque[float] = deque()

    def count(self, now: float) -> tuple[bool, int, float]:
        while self._log and self._log[0] <= now - 60:
            self._log.popleft()
        let_in = len(self._log) < self._cap
        if let_in:
            self._log.append(now)
        return let_in, max(0, self._told - len(self._log)), self._log[0] + 60


class TokenBucket:
    """Holds ``cap`` at most, and gets ``told`` a minute; Reset is when it will be full."""

    def __init__(self, told: int, cap: int) -> None:
        self._rate, self._cap = told / 60, cap
        self._tokens, self._seen = float(cap), 0.0

    def count(self, now: float) -> tuple[bool, int, float]:
        gained = (now - self._seen) * self._rate
        self._tokens, self._seen = min(self._cap, self._tokens + gained), now
        let_in = self._tokens >= 1
        self._tokens -= let_in
        return let_in, int(self._tokens), now + (self._cap - self._tokens) / self._rate


# How a service may count, by name.
SERVERS: dict[str, Callable[[int, int], Server]] = {
    "fixed window": FixedWindow,
    "sliding log": SlidingLog,
    "token bucket": TokenBucket,
}


@attrs.define
class Tally:
    """The results of a simulation."""

    answered: list[int]  # The number of answers of each process.
    refused: list[float] = attrs.field(factory=list)  # Times of refusals, in seconds.
    arrived: list[float] = attrs.field(factory=list)  # Times of arrivals, in seconds.
    waits: list[float] = attrs.field(factory=list)  # Seconds that requests waited for their turn.

    def refused_after(self, seconds: float) -> int:
        return sum(moment > seconds for moment in self.refused)


def _headers(now: float, told: int, left: int, reset: float) -> dict[str, str]:
    return {
        "date": formatdate(int(now), usegmt=True),
        "x-ratelimit-limit": str(told),
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-reset": str(math.ceil(reset)),
    }


def simulate(
    limit: str | Sequence[str],
    server: Server,
    *,
    told: int = 100,
    workers: int = 50,
    seconds: float = 3_600.0,
    seed: int = 1,
) -> Tally:
    """Lets workers ask a server as often as the gates of their processes allow.

    Args:
        limit: the ``rate_limit`` of the only process; or a list with the ``rate_limit`` of each
            process, among which the workers are divided.
        server: how the service counts.
        told: ``X-RateLimit-Limit``.
        workers: the number of workers; each asks again as soon as it has its answer.
        seconds: virtual time.
        seed: the seed of the random delays.
    """
    time, chance = Time(), random.Random(seed)
    limits = [limit] if isinstance(limit, str) else limit
    gates = [gate_for(RateLimiter(one), "the key", time.clock) for one in limits]
    tally = Tally([0] * len(gates))

    def want(process: int) -> None:
        gate, since = gates[process], time.now
        permit = gate.permit()

        def ask() -> None:
            wait = gate.delay(permit)
            if wait > 0:
                time.after(min(wait, ASKS_AGAIN), ask)
                return
            tally.waits.append(time.now - since)
            # A network that takes 5 to 300 ms, mostly 20.
            time.after(min(0.3, max(0.005, chance.lognormvariate(-3.9, 0.7))), arrive)

        def arrive() -> None:
            now = EPOCH + time.now
            tally.arrived.append(time.now)
            let_in, left, reset = server.count(now)
            headers = _headers(now, told, left, reset)
            if let_in:
                # A hit takes 50 ms, a miss up to 5 s.
                service = min(5.0, max(0.05, chance.lognormvariate(-1.0, 1.2)))
                time.after(service, lambda: end(headers, 200))
            else:
                tally.refused.append(time.now)
                headers["retry-after"] = str(max(1, math.ceil(reset - now)))
                time.after(0.02, lambda: end(headers, 429))

        def end(headers: Mapping[str, str], status: int) -> None:
            gate.answered(permit, headers, status)
            tally.answered[process] += status == 200
            # A call waits like this before its next attempt.
            time.after(float(headers.get("retry-after", 0)), lambda: want(process))

        ask()

    for number in range(workers):
        time.after(0.0, functools.partial(want, number % len(gates)))
    time.run(seconds)
    return tally
