"""When requests went, and so when the next may go: an exact moving window."""

from __future__ import annotations

from collections import deque

import attrs

# A client counts when it sends, the service when it receives: a request that was slow on its way
# (its connection had to be made first) and a fast one a whole period later come to the service
# closer together than they left. So the client's period is longer, for clocks that differ, too.
_LONGER = 1.01
_LONGER_BY = 0.03

# Times that are kept; a limit above that is kept in groups of requests, and no less strictly.
_MOST_TIMES = 10_000


@attrs.frozen
class Rate:
    """So many requests in so many seconds."""

    requests: int
    period: float

    @property
    def window(self) -> float:
        """The period as the client counts it, in seconds."""
        return self.period * _LONGER + _LONGER_BY


class MovingWindow:
    """When requests went, and so when the next may go: never more than ``requests`` in a window."""

    def __init__(self, rate: Rate) -> None:
        self._window = rate.window
        self._requests = rate.requests
        self._group = -(-rate.requests // _MOST_TIMES)
        # When the last request of each group went; all groups but the last are full.
        self._times: deque[float] = deque(maxlen=-(-rate.requests // self._group))
        self._in_last = 0

    def resized(self, rate: Rate) -> MovingWindow:
        """A window of another rate, in which the same requests have gone."""
        new = MovingWindow(rate)
        for index, moment in enumerate(self._times):
            last = index == len(self._times) - 1
            new.add(moment, min(self._in_last if last else self._group, rate.requests))
        return new

    def used(self, now: float) -> int:
        """How many of the requests that have gone still count."""
        while self._times and self._times[0] + self._window <= now:
            self._times.popleft()
        if not self._times:
            return 0
        return (len(self._times) - 1) * self._group + self._in_last

    def wait(self, ahead: int, now: float) -> float:
        """Seconds until one may go before whom ``ahead`` others go as soon as they may."""
        used = self.used(now)
        behind = ahead - (self._requests - used)
        if behind < 0:
            return 0.0
        laps, index = divmod(behind, self._requests)
        since = self._times[index // self._group] if index < used else now
        return since + self._window * (laps + 1) - now

    def add(self, now: float, requests: int = 1) -> None:
        """So many requests go now."""
        while requests:
            if not self._times or self._in_last == self._group:
                self._times.append(now)
                self._in_last = 0
            self._times[-1] = now
            part = min(requests, self._group - self._in_last)
            self._in_last += part
            requests -= part
