"""Remembers when requests went, and so knows when the next may go: an exact moving window."""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

# The seconds of each period that a limit can name.
PERIODS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}

# A client counts a request when it sends it, the service when it receives it. If one request is
# slow on its way (its connection had to be opened first) and another, a whole period later, is
# fast, they arrive closer together than they left. Clocks may differ, too. So the client counts in
# a slightly longer period.
_LONGER = 1.01
_LONGER_BY = 0.03

# How many times are kept. A higher limit is kept in groups of requests, and no less strictly.
_MOST_TIMES = 10_000


@attrs.frozen
class Rate:
    """A number of requests in a period.

    Attributes:
        requests: the number of requests.
        period: the period in seconds.
    """

    requests: int
    period: float

    @property
    def window(self) -> float:
        """The period as the client counts it, in seconds."""
        return self.period * _LONGER + _LONGER_BY

    def __str__(self) -> str:
        named = (name for name, seconds in PERIODS.items() if seconds == self.period)
        return f"{self.requests:,} per {next(named, f'{self.period:g} s')}"


class MovingWindow:
    """Counts requests, never more than ``rate.requests`` in any window."""

    def __init__(self, rate: Rate) -> None:
        self._window = rate.window
        self._requests = rate.requests
        self._group = -(-rate.requests // _MOST_TIMES)
        # The time of the last request of each group; all groups but the last are full.
        self._times: deque[float] = deque(maxlen=-(-rate.requests // self._group))
        self._in_last = 0

    def resized(self, rate: Rate) -> MovingWindow:
        """Returns a window for another rate, in which the same requests have gone."""
        new = MovingWindow(rate)
        for index, moment in enumerate(self._times):
            last = index == len(self._times) - 1
            new.add(moment, min(self._in_last if last else self._group, rate.requests))
        return new

    def used(self, now: float) -> int:
        """Returns how many of the requests that have gone still count."""
        while self._times and self._times[0] + self._window <= now:
            self._times.popleft()
        if not self._times:
            return 0
        return (len(self._times) - 1) * self._group + self._in_last

    def wait(self, ahead: int, now: float) -> float:
        """Returns the seconds until a request may go, if ``ahead`` others go before it."""
        used = self.used(now)
        behind = ahead - (self._requests - used)
        if behind < 0:
            return 0.0
        laps, index = divmod(behind, self._requests)
        since = self._times[index // self._group] if index < used else now
        return since + self._window * (laps + 1) - now

    def add(self, now: float, requests: int = 1) -> None:
        """Counts requests that go now."""
        while requests:
            if not self._times or self._in_last == self._group:
                self._times.append(now)
                self._in_last = 0
            self._times[-1] = now
            part = min(requests, self._group - self._in_last)
            self._in_last += part
            requests -= part
