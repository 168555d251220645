"""The settings of a rate limit, and the gate that they make."""

import re
import time
from collections.abc import Callable
from typing import Any, Final

import attrs

from ..errors import ConfigurationError
from .auto import AutoGate
from .gate import RateGate
from .window import PERIODS, Rate

AUTO: Final = "auto"

_RATE = re.compile(r"([0-9]{1,12}) ?(?:/|per) ?(second|minute|hour|day)s?")
_SHORT = re.compile(r"([0-9]{1,12}) ?(?:/|per) ?([smhd])")
_REDIS = re.compile(r"(rediss?|redis\+unix)://[^\s]+")


def _parse_rate(limit: str) -> Rate | None:
    """Returns the rate that a text such as ``"100/minute"`` names; None if it names none."""
    text = " ".join(limit.lower().split())
    if match := _RATE.fullmatch(text):
        requests, period = int(match[1]), PERIODS[match[2]]
    elif match := _SHORT.fullmatch(text):
        requests = int(match[1])
        period = next(s for name, s in PERIODS.items() if name[0] == match[2])
    else:
        return None
    return Rate(requests, period) if requests else None


def _check_limit(_: object, __: object, value: Any) -> None:
    # The message does not repeat the value, which may be a misplaced URL with a password.
    if not isinstance(value, str) or (value != AUTO and _parse_rate(value) is None):
        raise ConfigurationError(
            "rate_limit must be a whole number of requests of at least 1 per second, minute, hour "
            'or day, such as "100/minute" or "100 per minute"; or "auto"'
        )


def _check_redis_url(limiter: "RateLimiter", _: object, value: Any) -> None:
    # The messages do not repeat the URL, which may hold a password.
    if value is None:
        return
    if not isinstance(value, str) or not _REDIS.fullmatch(value):
        raise ConfigurationError(
            "RateLimiter.redis_url is not a Redis URL: use one like redis://localhost:6379/0, "
            "rediss:// for TLS, or redis+unix:///path/to/socket"
        )
    if limiter.limit == AUTO:
        raise ConfigurationError(
            'RateLimiter("auto") takes no redis_url: each process reads from the answers of the '
            "service how much of the key's limit is left; leave out redis_url, or set a fixed "
            'limit: RateLimiter("100/minute", redis_url=...)'
        )


@attrs.frozen
class RateLimiter:
    """The limit that a client keeps to, so that the service refuses no request with 429.

    Every attempt of a call counts. A request over the limit waits in a line, first come, first
    served. A call whose deadline comes before its turn fails at once with ``APITimeoutError``. All
    calls of a client share one limit, and so do the copies made by ``with_options``, except those
    with another ``api_key``, ``base_url`` or ``rate_limit``.

    Args:
        limit: ``"100/minute"`` or ``"100 per minute"`` sends at most 100 requests in any minute.
            The period is ``second``, ``minute``, ``hour`` or ``day``, or its first letter.
            ``"auto"``, the default, follows the ``X-RateLimit-*`` headers of the service, whose
            limit is for a minute; a service that sends no such headers is not limited.
        redis_url: the URL of a Redis server, by which all processes with the same key and the
            same fixed limit share it: ``redis://``, ``rediss://`` (TLS) or ``redis+unix://``.
            Needs ``pip install 'vectorcache-python[redis]'``. While Redis does not answer, each
            process keeps to the limit alone. By default None: each process counts for itself.

    Raises:
        ConfigurationError: an argument is invalid, or ``"auto"`` has a ``redis_url``. A client
            raises it, too, if the extra is missing.
    """

    limit: str = attrs.field(default=AUTO, validator=_check_limit)
    # The URL may hold a password, so ``repr`` does not show it.
    redis_url: str | None = attrs.field(
        default=None, kw_only=True, repr=False, validator=_check_redis_url
    )

    @property
    def rate(self) -> Rate | None:
        """The fixed limit; None for ``"auto"``."""
        return None if self.limit == AUTO else _parse_rate(self.limit)


def gate_for(
    limiter: RateLimiter, identity: str, clock: Callable[[], float] = time.monotonic
) -> RateGate:
    """Returns the gate of a new client.

    Args:
        limiter: the settings of the limit.
        identity: a text that stands for the key and the service in Redis.
        clock: seconds, monotonic.

    Raises:
        ConfigurationError: the extra for Redis is missing, or redis-py does not accept the URL.
    """
    rate = limiter.rate
    if rate is None:
        return AutoGate(clock)
    if limiter.redis_url is None:
        return RateGate(rate, clock)
    from .redis import SharedGate

    return SharedGate(limiter.redis_url, rate, identity, clock)
