"""The time that one attempt has: its timeout, and what is left until the deadline of its call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import httpx

# A process that was suspended past its limit, as by closing a laptop, may find that an answer has
# arrived in the meantime. It then has this many seconds to read it.
GRACE_SECONDS: Final = 0.1


class TimeBudget:
    """Keeps the time limits of one attempt. The time begins with ``begin``.

    Args:
        timeout: seconds that the attempt may take, or an ``httpx.Timeout`` for its steps.
        deadline: when the call has to be over, by ``clock``; None for never.
        clock: seconds, monotonic.

    Attributes:
        ends: when the attempt has to be over, by ``clock``; None for never.
        timeouts: seconds for each step, as httpx takes them.
    """

    def __init__(
        self,
        timeout: float | httpx.Timeout | None,
        deadline: float | None,
        clock: Callable[[], float],
    ) -> None:
        self.ends: float | None = None
        self.timeouts: dict[str, float | None] = {}
        self._timeout = timeout
        self._deadline = deadline
        self._clock = clock
        self._limit: float | None = None
        self._began = 0.0
        self._ended_early = False
        self._grace_ends: float | None = None

    @property
    def seconds_to_queue(self) -> float | None:
        """Seconds that the attempt may wait for a free connection; None for no limit."""
        pool = self._timeout.pool if isinstance(self._timeout, httpx.Timeout) else None
        return least(self._seconds_to_deadline(), pool)

    def begin(self) -> None:
        """Starts the time of the attempt, which now has a connection."""
        self._began = self._clock()
        left, timeout = self._seconds_to_deadline(), self._timeout
        if isinstance(timeout, httpx.Timeout):
            for step, seconds in timeout.as_dict().items():
                self.timeouts[step] = least(left, seconds)
        else:
            left = least(left, timeout)
            self.timeouts.update(connect=left, read=left, write=left)
        # The limit is kept: ``ends - _began`` may differ from it by a rounding error.
        self._limit = left
        self.ends = None if left is None else self._began + left
        if self._ended_early:
            self.ends = self._began

    def end_now(self) -> None:
        """Leaves the attempt no more time."""
        self._ended_early = True
        self.ends = self._clock()

    def overall_limit(self) -> float | None:
        """Returns the seconds that are left, for a sender that ends the whole attempt itself.

        Limits of single steps are then kept only where they are shorter. A step's limit that ends
        at the same moment would come first, and does not know of a process that was suspended.
        """
        if self._limit is not None:
            for step, seconds in self.timeouts.items():
                if seconds is not None and seconds >= self._limit:
                    self.timeouts[step] = None
        return self.seconds_left

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the attempt has to be over; None for no limit."""
        return None if self.ends is None else max(0.0, self.ends - self._clock())

    @property
    def seconds_spent(self) -> float:
        """Seconds since the attempt got its connection, not counting those after its end."""
        now = self._clock()
        return (now if self.ends is None else min(now, self.ends)) - self._began

    @property
    def expired(self) -> bool:
        """Whether the time of the attempt is over."""
        return self.ends is not None and self._clock() >= self.ends

    def refuse_more_if_late(self) -> None:
        """Ends the reading of an answer that goes on although the time is over.

        Raises:
            httpx.ReadTimeout: the time is over, and so are the seconds of grace.
        """
        if self.expired:
            now = self._clock()
            if self._grace_ends is None:
                self._grace_ends = now + GRACE_SECONDS
            elif now >= self._grace_ends:
                raise httpx.ReadTimeout("the answer had not ended")

    def _seconds_to_deadline(self) -> float | None:
        # Never 0, which a socket takes to mean "do not block".
        return None if self._deadline is None else max(0.001, self._deadline - self._clock())


def least(one: float | None, other: float | None) -> float | None:
    """Returns the smaller of two limits, where None stands for an infinite one."""
    return other if one is None else one if other is None else min(one, other)
