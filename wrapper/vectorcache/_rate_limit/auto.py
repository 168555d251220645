"""The rate limit that a service tells by its own headers, followed before it must say 429.

A process that is alone with its key needs only the limit: it never sends more than that in a
minute, by its own count. Where the service has counted more than this process has sent, others use
the key, too. Then it takes a share of what is left and of what comes free, which grows by a little
with each answer while there is enough, and shrinks by a part of itself where there is not: so the
shares of all who do the same become equal, whatever they were at first (Chiu and Jain, "Analysis of
the Increase and Decrease Algorithms for Congestion Avoidance in Computer Networks", 1989).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import httpx

from .._headers import retry_after, service_time
from .._response import rate_limit_from_headers
from .gate import RateGate
from .line import Permit
from .window import Rate

# The service counts by the minute, and nobody needs to wait for longer than a bucket of two
# minutes' requests takes to fill: what says so is mistaken, and one request finds out.
_PERIOD = 60.0
_LONGEST = 120.0

# More a minute is no limit.
_MOST = 1_000_000

# Under way at once while nothing is known of what is left, as others may have come; and seconds
# until the next look at what an answer has told.
_UNKNOWN_AT_ONCE = 10
_UNTIL_ANSWERED = 0.1

# Seconds for which others are remembered: a whole minute of the service's must have shown none.
_REMEMBERED = 2 * _PERIOD

# The share of what is left: at first, at least, so that it can grow again, and at most.
_FIRST_SHARE = 0.25
_LEAST_SHARE = 0.02
_MOST_SHARE = 0.5
# How it changes with an answer. benchmarks/rate_limits.py shows what comes of these figures: with
# a faster change more is used, but unequally; with a lower mark more is refused.
_GROWS_BY = 0.002
_SHRINKS_TO = 0.98
# There is enough while more than this part of the limit is left.
_ENOUGH = 0.1

# Seconds between questions, at most, where others may leave more at any time.
_LOOKS_AGAIN = 1.0

# Seconds that a count's end may seem to move, as the Date header and Reset have whole seconds.
_SAME = 1.5

# Seconds to stop after a 429 at least, doubled for each in a row: where others take all that comes
# free, the service's own hint leads everybody to ask again at the same time.
_SHORTEST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


class AutoGate(RateGate):
    """Follows ``X-RateLimit-*``.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        # Before the limit is known the window only keeps when requests went.
        super().__init__(Rate(1_000, _PERIOD), clock)
        self._limit: int | None = None
        self._unlimited = False
        # What the service says is left, until when by this process's clock, and by its own.
        self._left = 0
        self._known_until = float("-inf")
        self._reset = float("-inf")
        self._share = _FIRST_SHARE
        self._shared_until = float("-inf")
        self._last = float("-inf")
        self._pause = _SHORTEST_PAUSE
        self._stopped_until = float("-inf")

    def _new_process(self) -> None:
        super()._new_process()
        # With how many this process had used by then.
        self._under_way: dict[Permit, int] = {}

    def _goes(self, permit: Permit, now: float) -> None:
        super()._goes(permit, now)
        self._last = now
        self._under_way[permit] = self._window.used(now)

    def answered(self, permit: Permit, headers: Mapping[str, str], status: int | None) -> None:
        """The request is over; ``status`` is None where no answer came."""
        with self._lock:
            now = self._clock()
            used = max(self._under_way.pop(permit, 0), self._window.used(now))
            if status is not None:
                self._learn(httpx.Headers(headers), status, used, now)
            if status == 429:
                self._refused(retry_after(429, headers, None) or 0.0, now)
            elif status == 200:
                self._pause = _SHORTEST_PAUSE

    def _wait(self, ahead: int, now: float) -> float:
        if self._unlimited:
            return self._stopped_until - now
        # Never more than the limit in any minute, whatever the service says is left.
        own = 0.0 if self._limit is None else super()._wait(ahead, now)
        return max(self._stopped_until - now, own, self._wait_for_share(ahead, now))

    def _wait_for_share(self, ahead: int, now: float) -> float:
        known = now < self._known_until
        under_way = len(self._under_way)
        if now >= self._shared_until:
            free = known or under_way + ahead < _UNKNOWN_AT_ONCE
            return 0.0 if free else _UNTIL_ANSWERED
        if known and self._left == 0:
            return self._known_until - now
        # The others have requests under way as well, of which the answers do not tell yet.
        room = max(0, int(self._left * self._share) - under_way) if known else 0
        if ahead < room:
            return 0.0
        if self._limit is None:
            return _UNTIL_ANSWERED if under_way + ahead else 0.0
        # What comes free is for all of them: for each its share of the limit, at even distances.
        pace = _PERIOD / (self._limit * self._share)
        turn = max(self._last, now - pace) + pace * (ahead - room + 1)
        return min(turn - now, _LOOKS_AGAIN)

    def _learn(self, headers: httpx.Headers, status: int, used: int, now: float) -> None:
        told = rate_limit_from_headers(headers)
        if told is None:
            # Others than the service may answer with an error, and know nothing of its limit.
            self._unlimited = self._unlimited or (status < 300 and self._limit is None)
            return
        self._unlimited = False
        limit = min(told.limit or 0, _MOST)
        if limit and limit != self._limit:
            self._limit = limit
            self._window = self._window.resized(Rate(limit, _PERIOD))
        if told.remaining is None:
            return
        here = service_time(headers)
        reset = here + _PERIOD if told.reset_at is None else told.reset_at.timestamp()
        left = min(told.remaining, _MOST)
        self._count(left, reset, reset - here, now)
        # Without a limit there is only what is left to go by.
        if self._limit is None or self._limit - left > used:
            self._shared_until = now + _REMEMBERED
        if now < self._shared_until:
            self._change_share(enough=left > (self._limit or 0) * _ENOUGH)

    def _change_share(self, *, enough: bool) -> None:
        if enough:
            self._share = min(_MOST_SHARE, self._share + _GROWS_BY)
        else:
            self._share = max(_LEAST_SHARE, self._share * _SHRINKS_TO)

    def _count(self, left: int, reset: float, seconds: float, now: float) -> None:
        # Answers overtake one another. Of the same count, the one with the least left is the
        # latest; and a count that ends later is a later one, however the service counts.
        if now >= self._known_until or reset > self._reset + _SAME:
            self._left, self._reset = left, reset
            self._known_until = now + min(max(0.0, seconds), _LONGEST)
        elif reset >= self._reset - _SAME:
            self._left = min(self._left, left)

    def _refused(self, hint: float, now: float) -> None:
        wait = hint
        if now >= self._stopped_until:  # Else it was under way with the one before.
            wait = max(hint, self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._stopped_until = max(self._stopped_until, now + min(wait, _LONGEST))
        self._known_until = now  # It was wrong.
        self._shared_until = now + _REMEMBERED  # Alone it would not have been refused.
