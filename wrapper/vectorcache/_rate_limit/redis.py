"""A fixed rate limit that all processes with the key share, through Redis and ``limits``.

Redis is asked in a thread of its own, which can be left behind: a call that waits for its turn
looks at what came of it, and so keeps its deadline whatever Redis and the network do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .._logging import logger
from .._threading import start_thread
from ..errors import ConfigurationError
from .gate import RateGate
from .window import Rate

if TYPE_CHECKING:
    from .limiter import RateLimiter

# Seconds that Redis may take: it answers within milliseconds, or something is wrong.
_PATIENCE = 1.0

# Seconds for which a Redis that did not answer is left alone.
_LEFT_ALONE = 5.0

# Seconds between looks at what Redis has answered, and for those in the line one after the other.
_SOON = 0.002

# Seconds after which a leave that nobody has used is worth nothing: Redis counts it since then.
_GOOD_FOR = 5.0


class _Window:
    """The window in Redis."""

    def __init__(self, limiter: RateLimiter, rate: Rate, identity: str) -> None:
        """Connects to nothing yet.

        Raises:
            ImportError: the extra is not installed.
            Exception: the URL is at fault.
        """
        from limits import RateLimitItemPerSecond
        from limits.storage import RedisStorage
        from limits.strategies import MovingWindowRateLimiter
        from redis import ConnectionPool
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        url = limiter.redis_url or ""
        pool = ConnectionPool.from_url(
            url.replace("redis+unix:", "unix:", 1),
            # Who asks waits in front of a line, and asks again by itself.
            retry=Retry(NoBackoff(), 0),
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
        )
        pool.make_connection()  # Opens nothing, and refuses options that there are not.
        self._limiter = MovingWindowRateLimiter(RedisStorage(url, pool))
        # Redis keeps times of whole seconds. Where one second is all there is, each process's own
        # window has to do for the margin of ``Rate.window``.
        seconds = 1 if rate.period == 1 else math.ceil(rate.window)
        self._item = RateLimitItemPerSecond(rate.requests, seconds, namespace="vectorcache")
        self._identity = identity

    def wait(self) -> float:
        """0 where a request may go, which then counts; or the seconds until one may."""
        if self._limiter.hit(self._item, self._identity):
            return 0.0
        frees = self._limiter.get_window_stats(self._item, self._identity).reset_time
        # By the clocks of this machine and of others, which may differ.
        return min(max(_SOON, frees - time.time()), float(self._item.get_expiry()))


class _Question:
    """Asks Redis for one request's leave."""

    def __init__(self, window: _Window, now: float) -> None:
        self.asked = now
        self.wait: float | None = None
        self.error: Exception | None = None
        self._window = window
        start_thread("vectorcache-rate-limit", self._ask)

    def _ask(self) -> None:
        try:
            self.wait = self._window.wait()
        except Exception as error:  # Whatever it is, no call shall fail for it.
            self.error = error


class SharedGate(RateGate):
    """Keeps a fixed limit for all processes that use the key; without Redis, for this one alone.

    Args:
        limiter: settings with a ``redis_url``.
        rate: their limit.
        identity: what stands for the key and the service in Redis.
        clock: seconds, monotonic.

    Raises:
        ConfigurationError: the extra is missing, or the URL is at fault.
    """

    def __init__(
        self,
        limiter: RateLimiter,
        rate: Rate,
        identity: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        # Forks have connections of their own: redis-py sees to that.
        self._shared = _window_of(limiter, rate, identity)
        self._alone = False
        super().__init__(rate, clock)

    def _new_process(self) -> None:
        super()._new_process()
        self._question: _Question | None = None
        self._full_until = float("-inf")
        self._alone_until = float("-inf")

    def _wait(self, ahead: int, now: float) -> float:
        wait = max(super()._wait(ahead, now), self._full_until - now, ahead * _SOON)
        return wait if wait > 0 else self._ask(now)

    def _ask(self, now: float) -> float:
        """What Redis says to the first in line; 0 while it says nothing at all."""
        if now < self._alone_until:
            return 0.0
        question = self._question
        if question is None or (question.wait == 0 and now - question.asked > _GOOD_FOR):
            try:
                self._question = _Question(self._shared, now)
            except RuntimeError as error:  # There are no more threads: the interpreter ends.
                return self._lost(error, now)
            return _SOON
        if question.error is not None:
            return self._lost(question.error, now)
        if question.wait is None:
            late = now - question.asked >= _PATIENCE
            return self._lost(TimeoutError(), now) if late else _SOON
        self._question = None
        if self._alone:
            self._alone = False
            logger.info("the Redis of the rate limit answers again")
        if question.wait == 0:
            return 0.0
        self._full_until = question.asked + question.wait
        return max(_SOON, self._full_until - now)

    def _lost(self, error: Exception, now: float) -> float:
        self._question = None
        self._alone_until = now + _LEFT_ALONE
        if not self._alone:
            self._alone = True
            # Without the error's text, which may hold the URL.
            logger.warning(
                "the Redis of the rate limit does not answer (%s): until it does, this process "
                "keeps to %d requests in %g s alone",
                type(error).__name__,
                self._rate.requests,
                self._rate.period,
            )
        return 0.0


def _window_of(limiter: RateLimiter, rate: Rate, identity: str) -> _Window:
    fault = ""
    try:
        return _Window(limiter, rate, identity)
    except ImportError as error:
        fault = (
            f"a rate limit with redis_url needs packages that are not installed ({error}): "
            "pip install 'vectorcache-python[redis]'"
        )
    except Exception:
        # Neither its text nor its frames go on: they may hold the URL, and that a password.
        fault = (
            "RateLimiter.redis_url is no URL that redis-py takes: use one like "
            "redis://localhost:6379/0, with options that redis.Redis.from_url() knows"
        )
    raise ConfigurationError(fault)
