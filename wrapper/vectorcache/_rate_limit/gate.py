"""What lets a client's requests go, first come, first served: by a fixed limit, by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from os import getpid

from .._threading import ForkSafeLock
from .line import Line, Permit
from .window import MovingWindow, Rate


class RateGate:
    """Keeps a fixed limit for one process; others know more, and keep to it as well.

    Args:
        rate: the limit.
        clock: seconds, monotonic.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = ForkSafeLock()
        # What this process has sent, and what its parent had before it forked.
        self._window = MovingWindow(rate)
        self._new_process()

    def _new_process(self) -> None:
        """Forgets those who wait or are under way in the parent: they are not here."""
        self._process = getpid()
        self._line = Line()

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
                permit.leave(self._line)
                permit.gone = True
                self._goes(permit, now)
            return max(0.0, wait)

    def give_up(self, permit: Permit) -> None:
        """The request will not go: those behind it move up."""
        with self._lock:
            permit.leave(self._line)

    def answered(self, permit: Permit, headers: Mapping[str, str], status: int | None) -> None:
        """The request is over; ``status`` is None where no answer came."""
        # Which changes nothing here: it counts since it went.

    def _wait(self, ahead: int, now: float) -> float:
        """Seconds until one may go before whom ``ahead`` others go; at most 0 for now."""
        return self._window.wait(ahead, now)

    def _goes(self, permit: Permit, now: float) -> None:
        self._window.add(now)
