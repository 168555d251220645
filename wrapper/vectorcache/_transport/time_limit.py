"""The time limit of an async attempt, which allows for a process that was frozen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from .._call.time_budget import GRACE_SECONDS

# A timer that runs this many seconds late shows that the process, or its event loop, stood still.
_LATE: Final = 0.05


@contextlib.contextmanager
def end_after(seconds: float | None) -> Iterator[None]:
    """Cancels what runs inside once the time is up.

    asyncio may run a timer before it looks for what a socket has received. A process that was
    frozen past the limit, as by a laptop's lid, would then throw away an answer that has arrived.

    Args:
        seconds: the limit; None for none.

    Raises:
        TimeoutError: the time was up.
    """
    import asyncio  # Those who use threads need not load it.

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
