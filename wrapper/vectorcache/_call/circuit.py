"""The circuit breaker: when to stop calling a failing service, and when to try again."""

import enum
import time
from collections.abc import Callable
from os import getpid

import attrs

from .._arguments import as_float, as_int, real_number, whole_number
from .._logging import logger
from .._threading import ForkSafeLock
from ..errors import APIConnectionError, APIStatusError, CircuitOpenError, ConfigurationError
from .failure import Failure, Repeat

# Statuses that count like a failed connection: the service is out of order.
_OUT_OF_SERVICE = (500, 503)


def _whole_above_zero(_: object, __: object, value: object) -> None:
    number = whole_number(value)
    if number is None or number < 1:
        raise ConfigurationError("CircuitBreaker.failures must be a whole number of at least 1")


def _seconds_above_zero(_: object, __: object, value: object) -> None:
    number = real_number(value)
    if number is None or not 0 < number < 1e9:
        raise ConfigurationError("CircuitBreaker.reset_after must be seconds above 0")


@attrs.frozen
class CircuitBreaker:
    """When a client stops calling a service that does not answer, so that calls fail at once.

    Each attempt that ends in a connection failure, any timeout, a 500 or a 503 counts. A result,
    and any status below 500, sets the count back to 0. Other 5xx and unusable answers do neither.
    Once ``failures`` attempts in a row have failed, of any calls, the circuit is open: calls raise
    ``CircuitOpenError`` without sending anything. After ``reset_after`` seconds one call, the
    probe, makes one attempt. If that attempt sets the count back, the circuit is closed. If it
    counts, the circuit stays open for the same time again. Otherwise the next call is the probe.

    All calls of a client share one circuit, and so do copies made by ``with_options`` that share
    its connections.

    Args:
        failures: attempts in a row that have to fail before the circuit opens.
        reset_after: seconds for which an open circuit admits no attempt.

    Raises:
        ConfigurationError: a value is out of range.
    """

    failures: int = attrs.field(default=5, converter=as_int, validator=_whole_above_zero)
    reset_after: float = attrs.field(
        default=60.0, converter=as_float, validator=_seconds_above_zero
    )


class Admission(enum.Enum):
    """Whether a circuit admits an attempt."""

    ADMITTED = "admitted"
    PROBE = "probe"
    REFUSED = "refused"


class Circuit:
    """The state of one client's circuit breaker.

    Args:
        breaker: when it opens, and for how long.
        host: the host of the service, for messages.
        clock: seconds, monotonic.
    """

    def __init__(
        self, breaker: CircuitBreaker, host: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._breaker = breaker
        self._host = host
        self._clock = clock
        self._lock = ForkSafeLock()
        self._failures = 0
        self._last_failure = ""
        self._next_probe: float | None = None
        # The process whose probe is in progress. A forked child never learns how that probe ended.
        self._probing: int | None = None

    @property
    def pause(self) -> float | None:
        """Seconds, at most, until the next probe may be sent; None while the circuit is closed."""
        moment = self._next_probe
        if moment is None:
            return None
        if self._probing == getpid():
            return self._breaker.reset_after
        return max(0.0, moment - self._clock())

    def admit(self) -> Admission:
        """Returns whether an attempt may be made, and whether it is the probe."""
        with self._lock:
            if self._next_probe is None:
                return Admission.ADMITTED
            if self._clock() < self._next_probe or self._probing == getpid():
                return Admission.REFUSED
            self._probing = getpid()
            return Admission.PROBE

    def succeeded(self, admission: Admission) -> None:
        """Notes that the service answered an attempt."""
        # Reading without the lock is safe, and nearly every call finds nothing to change.
        if self._failures == 0:
            return
        with self._lock:
            # An attempt that began before the circuit opened does not close it.
            if self._next_probe is None or admission is Admission.PROBE:
                if self._next_probe is not None:
                    logger.info("circuit closed: %s answers again", self._host)
                self._failures = 0
                self._next_probe = self._probing = None

    def failed(self, failure: Failure, admission: Admission) -> None:
        """Notes that an attempt failed, in any way."""
        if failure.sent and _counts(failure):
            with self._lock:
                if self._next_probe is None or admission is Admission.PROBE:
                    self._count(failure)
        elif issubclass(failure.error, APIStatusError) and (failure.status_code or 500) < 500:
            self.succeeded(admission)
        else:
            self.dropped(admission)

    def dropped(self, admission: Admission) -> None:
        """Notes an attempt that says nothing of the service, such as one that was cancelled."""
        if admission is Admission.PROBE:
            with self._lock:
                self._probing = None

    def _count(self, failure: Failure) -> None:
        self._failures += 1
        # The text of the failure is left out: it may repeat the prompt of another caller.
        self._last_failure = str(failure.status_code or failure.error.__name__)
        if self._failures >= self._breaker.failures:
            self._next_probe = self._clock() + self._breaker.reset_after
            self._probing = None
            logger.warning(
                "circuit open for %g s: failed attempts in a row on %s: %d, the last with %s",
                self._breaker.reset_after,
                self._host,
                self._failures,
                self._last_failure,
            )

    def refusal(self) -> Failure:
        """Returns the failure of an attempt that was not admitted."""
        return Failure(
            error=CircuitOpenError,
            text=(
                "the circuit is open, so no request goes out; failed attempts in a row on "
                f"{self._host}: {self._failures}, the last with {self._last_failure}"
            ),
            advice="call the LLM directly until then, or pass fallback=",
            repeat=Repeat.NEVER,
            retry_after=self.pause or 0.0,
            sent=False,
        )


def _counts(failure: Failure) -> bool:
    return issubclass(failure.error, APIConnectionError) or failure.status_code in _OUT_OF_SERVICE
