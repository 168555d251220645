"""Tells observers of each call: the basis of the statistics and of telemetry."""

import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import attrs
import httpx

from ._call.foreign_exceptions import is_of_interruption
from ._logging import logger
from ._query import Query
from ._response import VectorcacheResponse
from .errors import ConfigurationError, VectorcacheError


@attrs.frozen(eq=False)
class ObservedCall:
    """One call. An observer gets the same object each time, and can use it as a key of a mapping.

    Attributes:
        query: the query as it is sent.
        host: the service's host and port, without the port if it is the default of the scheme.
        base_url: the URL of the service.
    """

    query: Query
    host: str
    base_url: httpx.URL


@attrs.frozen
class FailedAttempt:
    """One attempt that got no answer, or no usable one.

    Attributes:
        number: the attempt's number in its call, from 1.
        error: the class of the error that the call would raise without another attempt.
        message: what went wrong, in words.
        status_code: the HTTP status of the answer; None if there was no answer.
        request_id: the service's name for the request; None if it gave none.
        elapsed: seconds since the call began.
        retry_in: seconds until the next attempt; None if this was the last one.
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
    """The end of a call.

    Attributes:
        result: the answer of the service or of the fallback; None without an answer.
        error: the exception that ended the call instead; a cancellation or Ctrl-C, if the caller
            gave it up.
        attempts: attempts made.
        elapsed: seconds from the start of the call to its end.
    """

    result: VectorcacheResponse | None
    error: BaseException | None
    attempts: int
    elapsed: float

    @property
    def outcome(self) -> Literal["hit", "miss", "fallback", "failed", "cancelled"]:
        """How the call counts, in ``client.stats`` and in telemetry.

        ``hit`` and ``miss`` are answers of the service, and ``fallback`` is an answer of the
        client's ``fallback``. A call ended by an ``Exception`` has ``failed``. A call that its
        caller gave up was ``cancelled``.
        """
        if self.result is not None:
            if self.result.meta.error is not None:
                return "fallback"
            return "hit" if self.result.cache_hit else "miss"
        return "failed" if isinstance(self.error, Exception) else "cancelled"


class Observer:
    """Observes the calls of a client: inherit from it, and override the methods you need.

    Each call that begins has exactly one ``call_finished``, however it ends, and before that one
    ``attempt_failed`` for each attempt that failed. At the end of a call, the last of several
    observers is called first. The methods run in the thread or event loop of the call, so they
    must not take long. An error in one of them is logged, and reaches neither the call nor the
    other observers.
    """

    def call_started(self, call: ObservedCall) -> None:
        """Is called when a call begins, after its query was checked."""

    def attempt_failed(self, call: ObservedCall, attempt: FailedAttempt) -> None:
        """Is called when an attempt of the call has failed; another one may follow."""

    def call_finished(self, call: ObservedCall, end: FinishedCall) -> None:
        """Is called when the call has ended."""


def check_observers(value: Any) -> tuple[Observer, ...]:
    """Returns the observers of a client's options.

    Raises:
        ConfigurationError: one of them lacks a method, is a class, or has an async method.
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
                    f"observers has a {kind} whose {name} is async: its result would not be "
                    "awaited, so make it a plain method"
                )
    return tuple(value)


class Observed:
    """Tells the statistics and the observers of a client of one call.

    Args:
        recorder: counts the call for the client's statistics.
        observers: the observers in the client's options.
        call: the call.
    """

    __slots__ = ("_call", "_observers", "_recorder")

    def __init__(
        self, recorder: Observer, observers: tuple[Observer, ...], call: ObservedCall
    ) -> None:
        self._recorder = recorder
        self._observers = observers
        self._call = call

    def started(self) -> None:
        """Tells of the start of the call."""
        if self._observers:
            self._tell(self._observers, lambda observer: observer.call_started(self._call))

    def attempt_failed(self, attempt: FailedAttempt) -> None:
        """Tells of a failed attempt."""
        self._tell(self._observers, lambda observer: observer.attempt_failed(self._call, attempt))

    def finished(self, end: FinishedCall) -> None:
        """Tells of the end of the call."""
        # The recorder comes first. So the call counts even if Ctrl-C interrupts an observer, and
        # an observer that reads the statistics finds the call in them.
        self._recorder.call_finished(self._call, end)
        if not self._observers:
            return
        # The others are told in reverse order, as nested blocks are left. So an observer undoes
        # what it has set around the call in the right order.
        inside_out = reversed(self._observers)
        self._tell(inside_out, lambda observer: observer.call_finished(self._call, end))

    def _tell(self, observers: Iterable[Observer], tell: Callable[[Observer], None]) -> None:
        for observer in observers:
            try:
                tell(observer)
            except Exception as error:
                # An exception of a signal handler belongs to the caller, not to the observer.
                if is_of_interruption(error):
                    raise
                logger.warning(
                    "an observer failed, and the call goes on: %s: %s",
                    type(observer).__name__,
                    type(error).__name__,
                )
                if logger.isEnabledFor(logging.DEBUG):
                    logger.debug("the observer's error:", exc_info=True)
