"""Decides when the requests of a client may go: first come, first served, within a fixed limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from os import getpid

from .._threading import ForkSafeLock
from .line import Line
from .window import MovingWindow, Rate


class Permit:
    """Lets the attempts of one call go, one after the other, when the rate limit allows it.

    A permit waits in the line of its gate from the first ``delay`` on. Once it is granted, the
    gate has counted a request. When that request is over, the permit can be used for the next.

    Attributes:
        granted: whether a request may go, or has gone and is in progress.
    """

    __slots__ = ("_gate", "_line", "_place", "granted")

    def __init__(self, gate: RateGate) -> None:
        self._gate = gate
        self._line: Line | None = None
        self._place = 0
        self.granted = False

    @property
    def limit_in_words(self) -> str:
        """The limit as messages name it: ``100 per minute``."""
        return self._gate.limit_in_words

    def delay(self) -> float:
        """Returns the seconds after which to ask again; 0 if the request may go now.

        A granted permit stays granted until its request is over. So an attempt that the service
        has not seen can be repeated without a second permit.
        """
        return self._gate.delay(self)

    def answered(self, headers: Mapping[str, str], status: int | None) -> None:
        """Tells the gate that the request is over, if one was granted.

        Args:
            headers: the headers of the answer.
            status: the status of the answer; None if no answer came.
        """
        if self.granted:
            self.granted = False
            self._gate.answered(self, headers, status)

    def release(self) -> None:
        """Ends the use of the permit with its call; requests that wait behind it move up."""
        self.answered({}, None)
        self._gate.give_up(self)

    def ahead(self, line: Line) -> int:
        """Returns how many permits stand before this one, which joins the line if necessary."""
        # After a fork the child has a line of its own.
        if self._line is not line:
            self._line, self._place = line, line.join()
        return line.ahead(self._place)

    def leave(self, line: Line) -> None:
        """Gives up the place in the line, if the permit has one."""
        if self._line is line:
            line.leave(self._place)
        self._line = None


class RateGate:
    """Keeps a fixed limit for one process.

    Args:
        rate: the limit.
        clock: seconds, monotonic.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = ForkSafeLock()
        # A forked child counts what its parent had sent before the fork, too.
        self._window = MovingWindow(rate)
        self._new_process()

    def _new_process(self) -> None:
        """Forgets the calls of the parent process: they do not exist in this one."""
        self._process = getpid()
        self._line = Line()

    @property
    def limit_in_words(self) -> str:
        """The limit as messages name it: ``100 per minute``."""
        return str(self._rate)

    def permit(self) -> Permit:
        """Returns a new permit, which is not in the line yet."""
        return Permit(self)

    def delay(self, permit: Permit) -> float:
        """Returns the seconds after which to ask again; 0 grants the permit, and counts it."""
        with self._lock:
            if permit.granted:
                return 0.0
            if self._process != getpid():
                self._new_process()
            now = self._clock()
            wait = self._wait(permit.ahead(self._line), now)
            if wait <= 0:
                permit.leave(self._line)
                permit.granted = True
                self._count_request(permit, now)
            return max(0.0, wait)

    def give_up(self, permit: Permit) -> None:
        """Takes a permit that is not needed any more out of the line."""
        with self._lock:
            permit.leave(self._line)

    def answered(self, permit: Permit, headers: Mapping[str, str], status: int | None) -> None:
        """Takes note of the end of a request.

        Args:
            permit: the permit of the request.
            headers: the headers of the answer.
            status: the status of the answer; None if no answer came.
        """
        # Nothing to do: the request was counted when it was sent.

    def _wait(self, ahead: int, now: float) -> float:
        """Returns the seconds until a request may go after ``ahead`` others; at most 0 for now."""
        return self._window.wait(ahead, now)

    def _count_request(self, permit: Permit, now: float) -> None:
        self._window.add(now)
