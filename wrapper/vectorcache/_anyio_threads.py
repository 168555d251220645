"""The threads in which the async client runs plain functions of the user."""

import anyio
from anyio.lowlevel import RunVar

# A limit separate from anyio's own, so that look-ups of names do not wait behind slow functions.
_MAX_THREADS = 100
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("vectorcache_threads")


def limiter() -> anyio.CapacityLimiter:
    """Returns the limit of this event loop."""
    try:
        return _limiter.get()
    except LookupError:
        made = anyio.CapacityLimiter(_MAX_THREADS)
        _limiter.set(made)
        return made
