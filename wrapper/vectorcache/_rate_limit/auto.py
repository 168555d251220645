"""Follows the rate limit that a service tells in its headers, before the service must say 429.

A process that is alone with its key needs only the limit: it never sends more than that in a
minute, by its own count. If the service has counted more requests than this process has sent,
other processes use the key, too. Then this process takes a share of what is left and of what
becomes free. With each answer the share grows by a little while enough is left, and shrinks by a
part of itself while it is not. So the shares of all processes that do the same become equal,
whatever they were at first (Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for
Congestion Avoidance in Computer Networks", 1989).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import httpx

from .._headers import retry_after, service_time
from .._response import rate_limit_from_headers
from .gate import Permit, RateGate
from .window import Rate

# The service counts by the minute. A hint to wait longer than two minutes, in which even a bucket
# of two minutes' requests is full again, is wrong; after two minutes one request finds that out.
_PERIOD = 60.0
_LONGEST = 120.0

# A limit of more requests a minute counts as this one, which no client reaches.
_MOST = 1_000_000

# Concurrent requests allowed while the remaining count is unknown, as other processes may use the
# key; and seconds until the next look at what an answer has told.
_UNKNOWN_CONCURRENCY = 10
_UNTIL_ANSWERED = 0.1

# Seconds for which other users of the key are remembered: a whole minute without any must pass.
_REMEMBERED = 2 * _PERIOD

# The share of what is left: at the start; the least, from which it can grow again; and the most.
_FIRST_SHARE = 0.25
_LEAST_SHARE = 0.02
_MOST_SHARE = 0.5
# How the share changes with an answer. benchmarks/rate_limits.py measures these figures: a faster
# change uses more of the limit, but unequally; with a lower mark more requests are refused.
_GROWS_BY = 0.002
_SHRINKS_TO = 0.98
# Enough is left while it is more than this part of the limit.
_ENOUGH = 0.1

# Seconds after which a waiting call asks again at the latest, as other processes may leave more.
_ASKS_AGAIN = 1.0

# Seconds by which the end of a count may seem to move: Date and Reset have whole seconds.
_SAME = 1.5

# Seconds to stop after a 429 at least, doubled for each 429 in a row. Where other processes take
# all that becomes free, the hint of the service alone would let all of them ask again at once.
_SHORTEST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


class AutoGate(RateGate):
    """Follows the ``X-RateLimit-*`` headers of the service.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        # Before the limit is known the window only remembers when requests went.
        super().__init__(Rate(1_000, _PERIOD), clock)
        self._limit: int | None = None
        self._unlimited = False
        # What the service says is left; until when, by the gate's clock; and by the service's own.
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
        # Requests in progress, each with the requests that this process had used when it went.
        self._in_progress: dict[Permit, int] = {}

    @property
    def limit_in_words(self) -> str:
        return "auto" if self._limit is None else f"auto: {Rate(self._limit, _PERIOD)}"

    def _count_request(self, permit: Permit, now: float) -> None:
        super()._count_request(permit, now)
        self._last = now
        self._in_progress[permit] = self._window.used(now)

    def answered(self, permit: Permit, headers: Mapping[str, str], status: int | None) -> None:
        """Learns from the answer of a request; see ``RateGate.answered``."""
        with self._lock:
            now = self._clock()
            used = max(self._in_progress.pop(permit, 0), self._window.used(now))
            if status is not None:
                self._learn(httpx.Headers(headers), status, used, now)
            if status == 429:
                self._refused(retry_after(429, headers, None) or 0.0, now)
            elif status == 200:
                self._pause = _SHORTEST_PAUSE

    def _wait(self, ahead: int, now: float) -> float:
        if self._unlimited:
            return self._stopped_until - now
        # The limit holds in any minute, even if the service says that more is left.
        own = 0.0 if self._limit is None else super()._wait(ahead, now)
        return max(self._stopped_until - now, own, self._wait_for_share(ahead, now))

    def _wait_for_share(self, ahead: int, now: float) -> float:
        known = now < self._known_until
        in_progress = len(self._in_progress)
        if now >= self._shared_until:
            free = known or in_progress + ahead < _UNKNOWN_CONCURRENCY
            return 0.0 if free else _UNTIL_ANSWERED
        if known and self._left == 0:
            return self._known_until - now
        # Other processes have requests in progress, too, which the service has not counted yet.
        room = max(0, int(self._left * self._share) - in_progress) if known else 0
        if ahead < room:
            return 0.0
        if self._limit is None:
            return _UNTIL_ANSWERED if in_progress + ahead else 0.0
        # All processes share what becomes free: each sends its share of the limit, evenly spaced.
        pace = _PERIOD / (self._limit * self._share)
        turn = max(self._last, now - pace) + pace * (ahead - room + 1)
        return min(turn - now, _ASKS_AGAIN)

    def _learn(self, headers: httpx.Headers, status: int, used: int, now: float) -> None:
        told = rate_limit_from_headers(headers)
        if told is None:
            # An error may come from a proxy, which does not know the limit of the service.
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
        # Without a limit there is nothing to compare with, so the key counts as shared.
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
        # Answers overtake one another. Of the same count, the answer with the least left is the
        # latest. A count that ends later is a later one, however the service counts.
        if now >= self._known_until or reset > self._reset + _SAME:
            self._left, self._reset = left, reset
            self._known_until = now + min(max(0.0, seconds), _LONGEST)
        elif reset >= self._reset - _SAME:
            self._left = min(self._left, left)

    def _refused(self, hint: float, now: float) -> None:
        wait = hint
        # A 429 within a pause belongs to a request that was sent before the pause.
        if now >= self._stopped_until:
            wait = max(hint, self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._stopped_until = max(self._stopped_until, now + min(wait, _LONGEST))
        # What was known of the rest was wrong, and the key is shared: a process that is alone
        # with it is not refused.
        self._known_until = now
        self._shared_until = now + _REMEMBERED
