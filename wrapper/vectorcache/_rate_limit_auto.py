"""The rate limit that a service tells by its own headers, followed before it must say 429."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from os import getpid

import httpx

from ._hints import retry_after, service_time
from ._process import ForkSafeLock
from ._rate_limit_line import Line, Permit
from ._rate_limit_window import MovingWindow, Rate
from ._result import rate_limit_of

# The service counts by the minute, and nobody needs to wait for longer than a bucket of two
# minutes' requests takes to fill: what says so is mistaken, and one request finds out.
_PERIOD = 60.0
_LONGEST = 120.0

# Under way at once while it is not known what is left: at the start, and when a count is over.
_UNKNOWN_AT_ONCE = 10

# Seconds between questions while only an answer under way can tell more.
_UNTIL_ANSWERED = 0.1

# What is left above this share of the limit goes at once, so that small bursts never wait.
_LOW_WATER = 0.2

# More a minute is no limit.
_MOST = 1_000_000

# Seconds that a count's end may seem to move, as the Date header and Reset have whole seconds.
_SAME = 1.5

# Seconds to stop after a 429 that does not say how long.
_AFTER_429 = 1.0


class _Count:
    """What the service says is left of its limit, and until when."""

    def __init__(self, left: int, limit: int, ends: float, reset: float) -> None:
        self.left = left
        self.limit = limit
        self.ends = ends  # By this process's monotonic clock.
        self.reset = reset  # By the service's.


class AutoGate:
    """Follows ``X-RateLimit-*``, for one process."""

    blocks = False

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = ForkSafeLock()
        # Before the limit is known it only keeps when requests went.
        self._window = MovingWindow(Rate(1_000, _PERIOD))
        self._limit: int | None = None
        self._unlimited = False
        self._count: _Count | None = None
        self._last = float("-inf")
        self._stopped_until = float("-inf")
        self._new_process()

    def _new_process(self) -> None:
        # Those who wait or are under way in the parent are not here.
        self._process = getpid()
        self._line = Line()
        self._under_way: set[Permit] = set()

    def permit(self) -> Permit:
        """A place for one request; it is in the line from the first ``delay``."""
        return Permit()

    def delay(self, permit: Permit) -> float:
        """Seconds after which to ask again; 0 where the request may go, which then counts."""
        with self._lock:
            if permit.gone:
                return 0.0
            if self._process != getpid():
                self._new_process()
            now = self._clock()
            wait = self._wait(permit.ahead(self._line), now)
            if wait <= 0:
                self._window.add(now)
                self._last = now
                permit.leave(self._line)
                permit.gone = True
                self._under_way.add(permit)
            return max(0.0, wait)

    def give_up(self, permit: Permit) -> None:
        """The request will not go: those behind it move up."""
        with self._lock:
            permit.leave(self._line)

    def answered(self, permit: Permit, headers: Mapping[str, str], status: int | None) -> None:
        """The request is over; ``status`` is None where no answer came."""
        with self._lock:
            self._under_way.discard(permit)
            now = self._clock()
            if status is not None:
                self._learn(httpx.Headers(headers), status, now)
            if status == 429:
                wait = retry_after(429, headers, None) or _AFTER_429
                self._stopped_until = max(self._stopped_until, now + min(wait, _LONGEST))
                self._count = None  # It was wrong.

    def _learn(self, headers: httpx.Headers, status: int, now: float) -> None:
        told = rate_limit_of(headers)
        if told is None:
            # Others than the service may answer with an error, and know nothing of its limit.
            self._unlimited = self._unlimited or (status < 300 and self._limit is None)
            return
        self._unlimited = False
        if told.limit and told.limit != self._limit:
            self._limit = min(told.limit, _MOST)
            self._window = self._window.resized(Rate(self._limit, _PERIOD))
        if told.remaining is None:
            return
        here = service_time(headers)
        reset = here + _PERIOD if told.reset_at is None else told.reset_at.timestamp()
        ends = now + min(max(0.0, reset - here), _LONGEST)
        left = min(told.remaining, _MOST)
        known = self._count
        # Answers overtake one another. Of the same count, the one with the least left is the
        # latest; and a count that ends later is a later one, however the service counts.
        if known is None or reset > known.reset + _SAME or now >= known.ends:
            self._count = _Count(left, self._limit or max(left, 1), ends, reset)
        elif reset >= known.reset - _SAME:
            known.left = min(known.left, left)

    def _wait(self, ahead: int, now: float) -> float:
        if self._unlimited:
            return 0.0
        stop = self._stopped_until - now
        if stop > 0:
            return stop + self._window.wait(ahead, self._stopped_until)
        count = self._count
        if count is None or now >= count.ends:
            free = _UNKNOWN_AT_ONCE - len(self._under_way) - ahead
            return self._in_window(0.0 if free > 0 else _UNTIL_ANSWERED, ahead, now)
        low = int(count.limit * _LOW_WATER)
        left = count.left - len(self._under_way)
        if left - ahead > low:
            return self._in_window(0.0, ahead, now)
        return self._in_window(self._spread(left, low, ahead, count.ends, now), ahead, now)

    def _spread(self, left: int, low: int, ahead: int, ends: float, now: float) -> float:
        """Seconds until its turn, if what is left has to do until the count ends."""
        if ahead >= left:
            return ends - now
        at_once = max(0, left - low)
        pace = (ends - now) / (left - at_once)
        last = max(self._last, now - pace)
        return last + pace * (ahead - at_once + 1) - now

    def _in_window(self, wait: float, ahead: int, now: float) -> float:
        # Never more than the limit in any minute, whatever the service says is left.
        return wait if self._limit is None else max(wait, self._window.wait(ahead, now))
