"""How many requests a client lets go, so that the service need not refuse any."""

import re
import time
from collections.abc import Callable
from typing import Any, Final

import attrs

from ..errors import ConfigurationError
from .auto import AutoGate
from .gate import RateGate
from .line import Permit
from .window import Rate

__all__ = ["Permit", "Rate", "RateGate", "RateLimiter", "gate_for"]

AUTO: Final = "auto"

_PERIODS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_RATE = re.compile(r"([0-9]{1,12}) ?(?:/|per) ?(second|minute|hour|day)s?")
_SHORT = re.compile(r"([0-9]{1,12}) ?(?:/|per) ?([smhd])")
_REDIS = re.compile(r"(rediss?|redis\+unix)://[^\s]+")


def _rate_of(limit: str) -> Rate | None:
    text = " ".join(limit.lower().split())
    if match := _RATE.fullmatch(text):
        requests, period = int(match[1]), _PERIODS[match[2]]
    elif match := _SHORT.fullmatch(text):
        requests = int(match[1])
        period = next(s for name, s in _PERIODS.items() if name[0] == match[2])
    else:
        return None
    return Rate(requests, period) if requests else None


def _rate_or_auto(_: object, __: object, value: Any) -> None:
    # Said without the value: somebody may have put a URL with a password here.
    if not isinstance(value, str) or (value != AUTO and _rate_of(value) is None):
        raise ConfigurationError(
            "rate_limit must be a whole number of requests of at least 1 per second, minute, hour "
            'or day, such as "100/minute" or "100 per minute"; or "auto"'
        )


def _check_redis_url(limiter: "RateLimiter", _: object, value: Any) -> None:
    # Said without the URL, which may hold a password.
    if value is None:
        return
    if not isinstance(value, str) or not _REDIS.fullmatch(value):
        raise ConfigurationError(
            "RateLimiter.redis_url is no Redis URL: use one like redis://localhost:6379/0, "
            "rediss:// for TLS, or redis+unix:///path/to/socket"
        )
    if limiter.limit == AUTO:
        raise ConfigurationError(
            'RateLimiter("auto") takes no redis_url: all processes that use the key see what is '
            "left of its limit in the service's own answers; to share a limit by Redis, name it: "
            'RateLimiter("100/minute", redis_url=...)'
        )


@attrs.frozen
class RateLimiter:
    """How many requests a client sends, each attempt counted, so that none is refused with 429.

    A request over the limit waits in a line, first come, first served; one that could not go
    before its call's deadline fails at once with ``APITimeoutError``. All calls of a client share
    one limit, and so do copies made by ``with_options``, but for those with another ``api_key``,
    ``base_url`` or ``rate_limit``.

    Args:
        limit: ``"100/minute"`` (or ``"100 per minute"``; ``second``, ``hour`` and ``day`` as
            well, or their first letters): at most that many in any such period. ``"auto"``: goes
            by the ``X-RateLimit-*`` headers of the service's answers, whose limit is for a minute;
            a service that sends none is not limited.
        redis_url: with a fixed limit, a Redis server through which all processes that use the key
            and name the same limit share it: ``redis://``, ``rediss://`` (TLS) or
            ``redis+unix://``. None: each process counts for itself. Needs
            ``pip install 'vectorcache-python[redis]'``. While Redis does not answer, each process
            keeps to the limit alone.

    Raises:
        ConfigurationError: a value is none of these; ``"auto"`` with a ``redis_url``; or, when a
            client is made with it, the extra is missing.
    """

    limit: str = attrs.field(default=AUTO, validator=_rate_or_auto)
    # It may hold a password.
    redis_url: str | None = attrs.field(
        default=None, kw_only=True, repr=False, validator=_check_redis_url
    )

    @property
    def rate(self) -> Rate | None:
        """The fixed limit; None for ``"auto"``."""
        return None if self.limit == AUTO else _rate_of(self.limit)


def gate_for(
    limiter: RateLimiter, identity: str, clock: Callable[[], float] = time.monotonic
) -> RateGate:
    """A new client's gate.

    Args:
        limiter: its settings.
        identity: what stands for the key and the service in Redis.
        clock: seconds, monotonic.

    Raises:
        ConfigurationError: the extra for Redis is missing, or the URL is at fault.
    """
    rate = limiter.rate
    if rate is None:
        return AutoGate(clock)
    if limiter.redis_url is None:
        return RateGate(rate, clock)
    from .redis import SharedGate

    return SharedGate(limiter, rate, identity, clock)
