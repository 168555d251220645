"""The circuit breaker: what a client that is told to stops asking for, and when it tries again."""

import enum
import time
from collections.abc import Callable
from os import getpid

import attrs

from .._arguments import as_float, as_int, real_number, whole_number
from .._logging import logger
from .._threading import ForkSafeLock
from ..errors import APIConnectionError, APIStatusError, CircuitOpenError, ConfigurationError
from .failure import Failure
from .retry import Repeat

# Statuses that say of the service what a failed connection says of it.
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
    """When a client stops asking a service that does not answer, so that calls fail at once.

    Each attempt that ends in a connection failure, a timeout (whoever chose it), a 500 or a 503
    counts; a result, and any status below 500, sets the count back; other 5xx and unusable answers
    do neither. Once ``failures`` attempts in a row have failed, whoever made
    them, the circuit is open: calls raise ``CircuitOpenError`` without sending anything. After
    ``reset_after`` seconds one call, the probe, makes one attempt. If that sets the count back, all
    is as before; if it counts, the circuit stays open for as long again; else the next call probes.

    All calls of a client share one circuit, and so do copies made by ``with_options`` that share
    its connections.

    Args:
        failures: attempts that have to fail in a row.
        reset_after: seconds without any attempt.

    Raises:
        ConfigurationError: a value is out of range.
    """

    failures: int = attrs.field(default=5, converter=as_int, validator=_whole_above_zero)
    reset_after: float = attrs.field(
        default=60.0, converter=as_float, validator=_seconds_above_zero
    )


class Admission(enum.Enum):
    """What a circuit says to an attempt."""

    ADMITTED = "admitted"
    PROBE = "probe"
    REFUSED = "refused"


class Circuit:
    """The state of one client's circuit breaker.

    Args:
        breaker: its figures.
        host: the service, for messages.
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
        # The process whose probe is under way: a forked child will never hear of its parent's.
        self._probing: int | None = None

    @property
    def pause(self) -> float | None:
        """Seconds until the next probe may go out, at most; None while the circuit is closed."""
        moment = self._next_probe
        if moment is None:
            return None
        if self._probing == getpid():
            return self._breaker.reset_after
        return max(0.0, moment - self._clock())

    def admit(self) -> Admission:
        """Whether an attempt may be made."""
        with self._lock:
            if self._next_probe is None:
                return Admission.ADMITTED
            if self._clock() < self._next_probe or self._probing == getpid():
                return Admission.REFUSED
            self._probing = getpid()
            return Admission.PROBE

    def succeeded(self, admission: Admission) -> None:
        """The service has answered an attempt."""
        # Reading without the lock is safe, and nearly every call finds nothing to change.
        if self._failures == 0:
            return
        with self._lock:
            # What began before the circuit opened tells nothing new.
            if self._next_probe is None or admission is Admission.PROBE:
                if self._next_probe is not None:
                    logger.info("circuit closed: %s answers again", self._host)
                self._failures = 0
                self._next_probe = self._probing = None

    def failed(self, failure: Failure, admission: Admission) -> None:
        """An attempt has failed, in whichever way."""
        if failure.sent and _counts(failure):
            with self._lock:
                if self._next_probe is None or admission is Admission.PROBE:
                    self._count(failure)
        elif issubclass(failure.error, APIStatusError) and (failure.status_code or 500) < 500:
            self.succeeded(admission)
        else:
            self.dropped(admission)

    def dropped(self, admission: Admission) -> None:
        """An attempt has told nothing: it was given up, never sent, or failed in another way."""
        if admission is Admission.PROBE:
            with self._lock:
                self._probing = None

    def _count(self, failure: Failure) -> None:
        self._failures += 1
        # Not its text: the service's words may repeat another caller's prompt.
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
        """What an attempt that was not admitted fails with."""
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
