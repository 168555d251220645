"""Decides whether a failed attempt is repeated, and after how many seconds.

Nothing here reads a clock or uses the network.
"""

import random
from collections.abc import Callable
from typing import NamedTuple, Self

import attrs

from .._arguments import as_float, real_number
from .._threading import ForkSafeLock
from ..errors import ConfigurationError
from .error_message import readable_time
from .failure import Failure, Repeat

# The costs are those of botocore's standard retry mode. A throttled retry costs less, as waiting
# is a cure for it.
_TRANSIENT_COST = 14
_THROTTLED_COST = 5

# The seconds left are a difference of clock readings, and so may be rounded up.
_ROUNDING = 1e-6


def _at_least_zero(_: object, attribute: "attrs.Attribute[float]", value: object) -> None:
    number = real_number(value)
    if number is None or not 0 <= number < 1e9:
        raise ConfigurationError(f"RetryPolicy.{attribute.name} must be a number of at least 0")


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How long a client waits between attempts; their number is limited by ``max_retries``.

    Before retry n, a client waits a random time between 0 and ``min(max_backoff, base * 2**(n-1))``
    seconds ("full jitter"). If the service said how long to wait, the client waits that long.

    Args:
        transient_backoff: base for connection failures and 5xx, in seconds.
        throttled_backoff: base for 429, in seconds.
        max_backoff: the longest wait that the client chooses itself, in seconds.
        uncertain_delay: shortest wait, in seconds, before the one retry of a request that may
            have reached the service, where a miss is paid for.
        max_retry_after: the longest wait the service may ask for, in seconds; a longer one ends
            the call at once, with ``retry_after`` set on the error.
        quota: tokens that the calls of a client may spend on retries; 0 for no retries. A
            transient retry costs 14 and a throttled one 5, and successes give tokens back. So
            retries add little load to a service that is down. The scheme and its figures are those
            of botocore's standard retry mode.

    Raises:
        ConfigurationError: a value is negative, or not a number.
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
        """Returns a policy for tests, which waits only if the service asks to."""
        return cls(transient_backoff=0, throttled_backoff=0, uncertain_delay=0)


def backoff(
    policy: RetryPolicy, repeat: Repeat, retry: int, random_unit: Callable[[], float]
) -> float:
    """Returns the seconds to wait before retry number ``retry``, which counts from 1."""
    throttled = repeat is Repeat.THROTTLED
    base = policy.throttled_backoff if throttled else policy.transient_backoff
    # The exponent stops before a float would overflow; the cap is reached long before.
    delay = random_unit() * min(policy.max_backoff, base * 2.0 ** min(retry - 1, 30))
    return max(delay, policy.uncertain_delay) if repeat is Repeat.UNCERTAIN else delay


class RetryQuota:
    """The tokens that all retries of one client share.

    Args:
        tokens: how many there are.
    """

    def __init__(self, tokens: float) -> None:
        self._capacity = tokens
        self._tokens = tokens
        self._lock = ForkSafeLock()

    @property
    def tokens(self) -> float:
        return self._tokens

    def spend(self, repeat: Repeat) -> float | None:
        """Takes the tokens for one retry; returns their number, or None if too few are left."""
        cost = _THROTTLED_COST if repeat is Repeat.THROTTLED else _TRANSIENT_COST
        with self._lock:
            if self._tokens < cost:
                return None
            self._tokens -= cost
            return cost

    def give_back(self, spent: float) -> None:
        """Gives back, after a success, what its last retry cost, or one token without retries."""
        # Reading without the lock is safe, and nearly every call finds the quota full.
        if self._tokens < self._capacity:
            with self._lock:
                self._tokens = min(self._capacity, self._tokens + (spent or 1))


class NoRetry(NamedTuple):
    """The decision that a call ends with its last failure.

    Attributes:
        reason: why the call makes no further attempt; empty if the error explains itself.
        out_of_time: whether the call's deadline is the reason.
    """

    reason: str = ""
    out_of_time: bool = False


class Retries:
    """Decides on the retries of one call.

    Args:
        policy: how long to wait.
        quota: the tokens that the client's calls share.
        max_retries: how many attempts may follow the first.
        deadline: seconds the whole call may take, for messages; None for no limit.
        random_unit: returns a random number from 0 to 1, for jitter.

    Attributes:
        attempts: the attempts that count, including the current one.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        quota: RetryQuota,
        *,
        max_retries: int,
        deadline: float | None,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self.attempts = 0
        self._policy = policy
        self._quota = quota
        self._max_retries = max_retries
        self._deadline = deadline
        self._random_unit = random_unit
        self._spent = 0.0
        self._reconnected = False
        self._repeated_uncertain = False

    def begin_attempt(self) -> None:
        """Counts the attempt that now begins."""
        self.attempts += 1

    def take_back(self, failure: Failure) -> bool:
        """Uncounts an attempt that did not reach the service; returns whether to repeat it at once.

        A server may close an idle connection at any time, also as a request is written to it. Such
        an attempt is repeated over a new connection, once in a call.
        """
        if not failure.sent:
            self.attempts -= 1
        if failure.repeat is Repeat.STALE_CONNECTION and not self._reconnected:
            self._reconnected = True
            self.attempts -= 1
            return True
        return False

    def decide(
        self, failure: Failure, seconds_left: float | None, circuit_pause: float | None
    ) -> float | NoRetry:
        """Returns the seconds to wait before the next attempt, or why the call makes none.

        Args:
            failure: what the last attempt failed with.
            seconds_left: seconds until the deadline of the call; None for no deadline.
            circuit_pause: seconds until the circuit breaker admits an attempt; None while the
                circuit is closed.
        """
        repeat = failure.repeat
        if repeat is Repeat.STALE_CONNECTION:
            repeat = Repeat.UNCERTAIN
        if repeat is Repeat.NEVER or self.attempts > self._max_retries:
            return NoRetry()
        if repeat is Repeat.UNCERTAIN and self._repeated_uncertain:
            return NoRetry("repeated only once, as each attempt may be paid for")
        if circuit_pause is not None:
            return NoRetry(f"the circuit is open for another {readable_time(circuit_pause)}")
        delay = self._delay(failure, repeat)
        if delay is None:
            return NoRetry()
        if seconds_left is not None and delay >= seconds_left - _ROUNDING:
            return NoRetry(
                f"the deadline of {self._deadline:g} s leaves no time for another attempt", True
            )
        spent = self._quota.spend(repeat)
        if spent is None:
            return NoRetry("not repeated, as the client's retry quota is used up")
        self._spent = spent
        self._repeated_uncertain |= repeat is Repeat.UNCERTAIN
        return delay

    def _delay(self, failure: Failure, repeat: Repeat) -> float | None:
        """Returns the seconds to wait; None if the service asks for a longer wait than allowed."""
        if failure.retry_after is None:
            return backoff(self._policy, repeat, self.attempts, self._random_unit)
        if failure.retry_after > self._policy.max_retry_after:
            return None
        return failure.retry_after

    def succeeded(self) -> None:
        """Gives tokens back to the quota after an answer."""
        self._quota.give_back(self._spent)
