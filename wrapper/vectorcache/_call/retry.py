"""When to try again, and how long to wait before: rules without clock or network."""

import enum
from collections.abc import Callable
from typing import Self

import attrs

from .._arguments import as_float, real_number
from .._threading import ForkSafeLock
from ..errors import ConfigurationError

# Of botocore's standard retry mode: throttling costs less, as waiting cures it.
_TRANSIENT_COST = 14
_THROTTLED_COST = 5


def _at_least_zero(_: object, attribute: "attrs.Attribute[float]", value: object) -> None:
    number = real_number(value)
    if number is None or not 0 <= number < 1e9:
        raise ConfigurationError(f"RetryPolicy.{attribute.name} must be a number of at least 0")


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How a client waits between attempts; how many there may be is ``max_retries``.

    Before retry n it waits a random time between 0 and ``min(max_backoff, base * 2**(n-1))``
    seconds ("full jitter"), unless the service said how long to wait: then just that long.

    Args:
        transient_backoff: base for connection failures and 5xx, in seconds.
        throttled_backoff: base for 429, in seconds.
        max_backoff: the longest back-off, in seconds.
        uncertain_delay: least wait, in seconds, before the one retry of a request that may
            have reached the service, where a miss is paid for.
        max_retry_after: the longest wait the service may ask for, in seconds; a longer one ends
            the call at once, with ``retry_after`` set on the error.
        quota: tokens a client may spend on retries; 0 for none. A transient retry costs 14, a
            throttled one 5, and successes give them back, so that an outage is not multiplied
            by everyone's retries (the scheme and its figures are botocore's standard mode).

    Raises:
        ConfigurationError: a value is negative or no number.
    """

    transient_backoff: float = attrs.field(
        default=0.05, converter=as_float, validator=_at_least_zero
    )
    throttled_backoff: float = attrs.field(
        default=1.0, converter=as_float, validator=_at_least_zero
    )
    max_backoff: float = attrs.field(default=10.0, converter=as_float, validator=_at_least_zero)
    uncertain_delay: float = attrs.field(default=1.0, converter=as_float, validator=_at_least_zero)
    max_retry_after: float = attrs.field(default=60.0, converter=as_float, validator=_at_least_zero)
    quota: float = attrs.field(default=500.0, converter=as_float, validator=_at_least_zero)

    @classmethod
    def without_waiting(cls) -> Self:
        """A policy for tests: retries as always, but waits only where the service asks to."""
        return cls(transient_backoff=0, throttled_backoff=0, uncertain_delay=0)


class Repeat(enum.Enum):
    """Whether a failed attempt may be repeated."""

    NEVER = "never"
    AT_ONCE = "at once"  # an idle connection was closed as we wrote: not counted as an attempt
    ONCE = "once"  # it may have reached the service
    TRANSIENT = "transient"
    THROTTLED = "throttled"


def backoff(
    policy: RetryPolicy, repeat: Repeat, retry: int, random_unit: Callable[[], float]
) -> float:
    """Seconds to wait before retry number ``retry`` (from 1) where the service gave no hint."""
    throttled = repeat is Repeat.THROTTLED
    base = policy.throttled_backoff if throttled else policy.transient_backoff
    # Past 2**30 every base has met the cap, and floats have yet to overflow.
    delay = random_unit() * min(policy.max_backoff, base * 2.0 ** min(retry - 1, 30))
    return max(delay, policy.uncertain_delay) if repeat is Repeat.ONCE else delay


class RetryQuota:
    """The tokens that all retries of one client share."""

    def __init__(self, tokens: float) -> None:
        self._capacity = tokens
        self._tokens = tokens
        self._lock = ForkSafeLock()

    @property
    def tokens(self) -> float:
        return self._tokens

    def spend(self, repeat: Repeat) -> float | None:
        """The tokens taken for one retry, or None if too few are left."""
        cost = _THROTTLED_COST if repeat is Repeat.THROTTLED else _TRANSIENT_COST
        with self._lock:
            if self._tokens < cost:
                return None
            self._tokens -= cost
            return cost

    def give_back(self, spent: float) -> None:
        """After a success: what its last retry cost, or one token where it needed none."""
        # Reading without the lock is safe, and nearly every call finds the quota full.
        if self._tokens < self._capacity:
            with self._lock:
                self._tokens = min(self._capacity, self._tokens + (spent or 1))
