"""Keeps a fixed rate limit that all processes with the same key share, by Redis and ``limits``.

A thread of its own asks Redis, and a waiting call looks now and then whether the thread has an
answer. So a call keeps its deadline whatever Redis and the network do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from .._logging import logger
from .._threading import start_thread
from ..errors import ConfigurationError
from .gate import RateGate
from .window import Rate

# Seconds that Redis may take to answer. It normally answers within milliseconds.
_PATIENCE = 1.0

# Seconds for which Redis is not asked again after it did not answer.
_NOT_ASKED_FOR = 5.0

# Seconds between two looks at the answer of Redis, and between two requests of the line.
_SOON = 0.002

# A permit granted by Redis expires after this many seconds if unused.
_GOOD_FOR = 5.0


class _Window:
    """The moving window in Redis."""

    def __init__(self, url: str, rate: Rate, identity: str) -> None:
        """Checks the URL, and opens no connection yet.

        Raises:
            ImportError: the extra is not installed.
            Exception: redis-py does not accept the URL.
        """
        from limits import RateLimitItemPerSecond
        from limits.storage import RedisStorage
        from limits.strategies import MovingWindowRateLimiter
        from redis import ConnectionPool
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        pool = ConnectionPool.from_url(
            url.replace("redis+unix:", "unix:", 1),
            # The first call in the line asks again by itself.
            retry=Retry(NoBackoff(), 0),
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
        )
        # This opens no connection, but it raises for options that redis-py does not know.
        pool.make_connection()
        self._limiter = MovingWindowRateLimiter(RedisStorage(url, pool))
        # Redis keeps periods of whole seconds. A limit for one second has no margin there, so
        # only the window of each process has the margin of ``Rate.window``.
        seconds = 1 if rate.period == 1 else math.ceil(rate.window)
        self._item = RateLimitItemPerSecond(rate.requests, seconds, namespace="vectorcache")
        self._identity = identity

    def wait(self) -> float:
        """Returns the seconds until a request may go; 0 if one may go now, which then counts."""
        if self._limiter.hit(self._item, self._identity):
            return 0.0
        frees = self._limiter.get_window_stats(self._item, self._identity).reset_time
        # The clocks of two machines may differ, so the result is kept within sensible bounds.
        return min(max(_SOON, frees - time.time()), float(self._item.get_expiry()))


class _Question:
    """Asks Redis whether one request may go.

    Attributes:
        asked: when Redis was asked, in seconds of the gate's clock.
        wait: the answer, as ``_Window.wait`` returns it; None while Redis has not answered.
        error: what was raised instead of an answer; None if nothing was.
    """

    def __init__(self, window: _Window, now: float) -> None:
        self.asked = now
        self.wait: float | None = None
        self.error: Exception | None = None
        self._window = window
        start_thread("vectorcache-rate-limit", self._ask)

    def _ask(self) -> None:
        try:
            self.wait = self._window.wait()
        except Exception as error:  # No call may fail because Redis does.
            self.error = error


class SharedGate(RateGate):
    """Keeps a fixed limit for all processes that use the key, or without Redis for this one alone.

    Args:
        url: the URL of Redis.
        rate: the limit.
        identity: a text that stands for the key and the service in Redis.
        clock: seconds, monotonic.

    Raises:
        ConfigurationError: the extra is missing, or redis-py does not accept the URL.
    """

    def __init__(
        self,
        url: str,
        rate: Rate,
        identity: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # redis-py opens new connections in a forked process.
        self._shared = _build_window(url, rate, identity)
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
        """Returns what Redis answers to the first in the line; 0 while Redis does not answer."""
        if now < self._alone_until:
            return 0.0
        question = self._question
        if question is None or (question.wait == 0 and now - question.asked > _GOOD_FOR):
            try:
                self._question = _Question(self._shared, now)
            except RuntimeError as error:  # The interpreter ends, and starts no more threads.
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
        self._alone_until = now + _NOT_ASKED_FOR
        if not self._alone:
            self._alone = True
            # The text of the error is left out, as it may hold the URL.
            logger.warning(
                "the Redis of the rate limit does not answer (%s): until it does, this process "
                "keeps to %s by itself",
                type(error).__name__,
                self._rate,
            )
        return 0.0


def _build_window(url: str, rate: Rate, identity: str) -> _Window:
    message = ""
    try:
        return _Window(url, rate, identity)
    except ImportError as error:
        message = (
            f"a rate limit with redis_url needs packages that are not installed ({error}): "
            "pip install 'vectorcache-python[redis]'"
        )
    except Exception:
        # Its text and its frames may hold the URL, and so a password. They are dropped.
        message = (
            "redis-py does not accept the URL in RateLimiter.redis_url: use one like "
            "redis://localhost:6379/0, with options that redis.Redis.from_url() knows"
        )
    raise ConfigurationError(message)
