"""Threads for the user's plain functions under async."""

import anyio
from anyio.lowlevel import RunVar

# Apart from anyio's own: look-ups must not wait there behind calls that take seconds.
_MAX_THREADS = 100
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("vectorcache_threads")


def limiter() -> anyio.CapacityLimiter:
    """This event loop's own limit."""
    try:
        return _limiter.get()
    except LookupError:
        made = anyio.CapacityLimiter(_MAX_THREADS)
        _limiter.set(made)
        return made
