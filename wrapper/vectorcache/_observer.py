"""Who is told of each call: the basis of telemetry."""

import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import httpx

from ._call.foreign_exceptions import is_of_interruption
from ._logging import logger
from ._query import Query
from ._response import VectorcacheResponse
from .errors import ConfigurationError, VectorcacheError


@attrs.frozen(eq=False)
class ObservedCall:
    """One call, from its start to its end: the same object each time, and a key for a mapping.

    Attributes:
        query: what is asked, as it is sent.
        host: the service's host and port; without the port where it is the scheme's own.
        base_url: where the service is.
    """

    query: Query
    host: str
    base_url: httpx.URL


@attrs.frozen
class FailedAttempt:
    """One attempt that got no answer, or none that counts.

    Attributes:
        number: the attempt's number in its call, from 1.
        error: the class of error it would be if there were no other attempt.
        message: what went wrong, in words.
        status_code: the answer's HTTP status, if there was one.
        request_id: the service's name for the request, if it gave one.
        elapsed: seconds since the call began.
        retry_in: seconds until the next attempt; None if this was the last.
    """

    number: int
    error: type[VectorcacheError]
    message: str
    status_code: int | None
    request_id: str | None
    elapsed: float
    retry_in: float | None


@attrs.frozen
class FinishedCall:
    """How a call ended.

    Attributes:
        result: the answer, if there is one; the fallback's too.
        error: what it failed with instead, or what the caller gave it up by: a cancellation,
            Ctrl-C.
        attempts: attempts made.
        elapsed: seconds from the call's start to its end.
    """

    result: VectorcacheResponse | None
    error: BaseException | None
    attempts: int
    elapsed: float


class Observer:
    """Is told of each call of a client: inherit from it, and override what you need.

    For each call that is begun there is exactly one ``call_finished``, whatever becomes of it,
    and ``attempt_failed`` in between for each attempt that failed. Of several observers the last
    is told of an end first. The methods are called where the call is made, in its thread or on
    its event loop, so they must not take long. An error in one of them is logged, and never
    reaches the call or the other observers.
    """

    def call_started(self, call: ObservedCall) -> None:
        """A call has begun; its query has been checked."""

    def attempt_failed(self, call: ObservedCall, attempt: FailedAttempt) -> None:
        """One of its attempts has failed; there may be another."""

    def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
        """It has ended."""


def check_observers(value: Any) -> tuple[Observer, ...]:
    """The observers of a client's options.

    Raises:
        ConfigurationError: one of them is none.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise ConfigurationError("observers must be a list of objects that inherit from Observer")
    for observer in value:
        kind = type(observer).__name__
        for name in ("call_started", "attempt_failed", "call_finished"):
            method = getattr(observer, name, None)
            if isinstance(observer, type) or not callable(method):
                raise ConfigurationError(
                    f"observers has a {kind} without a method {name}: let its class inherit from "
                    "vectorcache.Observer, and pass an instance"
                )
            if inspect.iscoroutinefunction(method):
                raise ConfigurationError(
                    f"observers has a {kind} whose {name} is async: nobody waits for it, so make "
                    "it a plain method"
                )
    return tuple(value)


class Observed:
    """Tells a client's observers of one call."""

    __slots__ = ("_call", "_observers")

    def __init__(
        self, observers: tuple[Observer, ...], query: Query, host: str, base_url: httpx.URL
    ) -> None:
        self._observers = observers
        self._call = ObservedCall(query, host, base_url)

    def started(self) -> None:
        self._tell(self._observers, lambda observer: observer.call_started(self._call))

    def attempt_failed(self, attempt: FailedAttempt) -> None:
        self._tell(self._observers, lambda observer: observer.attempt_failed(self._call, attempt))

    def finished(self, end: FinishedCall) -> None:
        # As blocks are left: what an observer has set around the call is then taken back in order.
        inside_out = reversed(self._observers)
        self._tell(inside_out, lambda observer: observer.call_finished(self._call, end))

    def _tell(self, observers: Iterable[Observer], tell: Callable[[Observer], None]) -> None:
        for observer in observers:
            try:
                tell(observer)
            except Exception as error:
                if is_of_interruption(error):
                    raise  # It is not the observer's.
                logger.warning(
                    "an observer failed, and the call goes on: %s: %s",
                    type(observer).__name__,
                    type(error).__name__,
                )
                if logger.isEnabledFor(logging.DEBUG):
                    logger.debug("the observer's error:", exc_info=True)
