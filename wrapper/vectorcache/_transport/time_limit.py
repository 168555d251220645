"""The time limit of an async attempt, which also allows for a suspended process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from .._call.time_budget import GRACE_SECONDS

# A timer that is this many seconds late shows that the process was suspended, or its loop blocked.
_LATE: Final = 0.05


@contextlib.contextmanager
def end_after(seconds: float | None) -> Iterator[None]:
    """Cancels the block once the time is over.

    asyncio may run a timer before it reads what a socket has received. A process that was suspended
    past the limit, as by closing a laptop, would then lose an answer that has arrived. So the block
    gets some seconds of grace if the timer is late.

    Args:
        seconds: the limit; None for no limit.

    Raises:
        TimeoutError: the time was over.
    """
    import asyncio  # Imported here, as the sync client does not need it.

    import anyio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # trio
        with anyio.fail_after(seconds):
            yield
        return
    with anyio.CancelScope() as scope:
        timer = None
        if seconds is not None:
            ends = loop.time() + seconds

            def end() -> None:
                if loop.time() - ends > _LATE:
                    scope.deadline = loop.time() + GRACE_SECONDS
                else:
                    scope.cancel()

            timer = loop.call_at(ends, end)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
    if scope.cancelled_caught:
        raise TimeoutError
