"""One call: everything about it that can be decided without waiting.

The clients only send and sleep. What to send, how long it may take, whether and when to try again,
and what the caller gets in the end is decided here, from outcomes and the clock. So it can be
tested without a network, and without passing time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Self

from .. import _generated as api
from .._llm import LLM
from .._observer import FailedAttempt, FinishedCall, Observed, ObservedCall
from .._query import Query
from .._response import (
    ResponseMeta,
    VectorcacheResponse,
    rate_limit_from_headers,
    response_from_parsed,
)
from .._settings import Settings
from ..errors import APITimeoutError, QuotaExceededError, VectorcacheError
from . import log
from .attempt import Attempt
from .circuit import Admission
from .client_state import ClientState
from .coalescing import Outcome, copy_of
from .error_message import build_error, readable_time
from .failure import AttemptFailed, Failure, Repeat
from .fallback import response_from_fallback
from .keys import CallKeys
from .options import CallOptions
from .retry import NoRetry, Retries

# Seconds after which a call that waits for its turn asks again, as calls before it may have left.
_ASKS_AGAIN = 5.0


class CallStopped(BaseException):
    """Ends a call that was stopped: its caller has left, and gets no outcome."""


class Call:
    """One call with all its attempts. It is used in a ``with`` statement, which ends with the call.

    Args:
        settings: the settings of the client.
        state: the state that all calls of the client share.
        query: the query to send.
        options: the headers, time limits and number of retries of this call.
        patient: whether the time of the call begins only when the rate limit lets it go.
        clock: seconds, monotonic.
        random_unit: returns a random number from 0 to 1, for jitter.

    Attributes:
        query: the query to send.
        body: the same, as the generated client takes it.
    """

    def __init__(
        self,
        settings: Settings,
        state: ClientState,
        query: Query,
        options: CallOptions,
        *,
        patient: bool = False,
        clock: Callable[[], float] = time.monotonic,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self.query = query
        self.body = query.to_body()
        self._settings = settings
        self._options = options
        self._keys = CallKeys(settings.api_key)
        self._retries = Retries(
            settings.retry,
            state.quota,
            max_retries=options.max_retries,
            deadline=options.deadline,
            random_unit=random_unit,
        )
        self._circuit = state.circuit
        self._permit = None if state.gate is None else state.gate.permit()
        observed_call = ObservedCall(query, settings.host, settings.url(""))
        self._observed = Observed(state.recorder, settings.observers, observed_call)
        self._result: VectorcacheResponse | None = None
        self._admission: Admission | None = None
        self._clock = clock
        self._started = clock()
        self._limit = options.deadline
        self._deadline = None if self._limit is None else self._started + self._limit
        self._patient = patient
        self._stopped = False
        self._last: Attempt | None = None
        self._needs_new_connection = False
        self._earlier: list[str] = []
        self._out_of_time = False

    def __enter__(self) -> Self:
        self._observed.started()
        return self

    def __exit__(self, _: object, error: BaseException | None, frames: object) -> None:
        if self._permit is not None:
            self._permit.release()
        if self._circuit is not None and self._admission is not None:
            # A call that was given up says nothing of the service.
            self._circuit.dropped(self._admission)
        result = self._result if error is None else None
        self._observed.finished(FinishedCall(result, error, self._retries.attempts, self._elapsed))

    def stop(self) -> Attempt | None:
        """Lets no further attempt begin; returns the one that may be in progress, to be ended."""
        self._stopped = True
        return self._last

    def seconds_to_turn(self) -> float:
        """Returns the seconds after which to ask again; 0 if the next attempt may begin.

        Raises:
            APITimeoutError: the deadline will come before the call's turn.
        """
        if self._permit is None or (self._circuit is not None and self._circuit.pause):
            return 0.0
        delay = self._permit.delay()
        if self._patient:
            if delay:
                return min(delay, _ASKS_AGAIN)
            self._patient = False
            self._started = self._clock()
            self._deadline = None if self._limit is None else self._started + self._limit
        elif delay and self._deadline is not None and self._clock() + delay >= self._deadline:
            self._out_of_time = True
            raise self._error(
                Failure(
                    error=APITimeoutError,
                    text=f"the client's rate limit ({self._permit.limit_in_words}) has no slot for "
                    f"{readable_time(delay)}, and the deadline is {self._limit:g} s",
                    repeat=Repeat.NEVER,
                    advice="try again later, or raise deadline= or rate_limit=",
                    retry_after=delay,
                    sent=False,
                )
            )
        return min(delay, _ASKS_AGAIN)

    def attempt(self) -> Attempt:
        """Returns the next attempt.

        Raises:
            AttemptFailed: the circuit breaker does not admit it.
            CallStopped: the call was stopped.
        """
        self._retries.begin_attempt()
        if self._circuit is not None and self._admission is None and self._circuit.pause:
            raise AttemptFailed(self._circuit.refusal())
        self._last = Attempt(
            self._settings,
            self._options.headers,
            timeout=self._options.timeout,
            deadline=self._deadline,
            needs_new_connection=self._needs_new_connection,
            keys=self._keys,
            admit=self._admit,
            clock=self._clock,
        )
        self._needs_new_connection = False
        # This is asked last, so that ``stop`` either sees this attempt or is seen here.
        if self._stopped:
            raise CallStopped
        return self._last

    def _admit(self) -> None:
        # The circuit may have opened while the attempt waited for a connection.
        if self._circuit is not None and self._admission is None:
            admission = self._circuit.admit()
            if admission is Admission.REFUSED:
                raise AttemptFailed(self._circuit.refusal())
            self._admission = admission

    def delay_after(self, failure: Failure) -> float:
        """Returns the seconds to wait before the next attempt.

        Raises:
            VectorcacheError: the call makes no further attempt, and ends with this error.
            CallStopped: the call was stopped.
        """
        if self._stopped:
            raise CallStopped
        number = self._retries.attempts
        delay: float | None = None
        try:
            delay = self._delay_after(failure)
            return delay
        finally:
            # Skip this when the failure did not count as an attempt.
            if failure.sent and self._retries.attempts == number:
                self._observed.attempt_failed(
                    FailedAttempt(
                        number,
                        failure.error,
                        failure.text,
                        failure.status_code,
                        failure.request_id,
                        self._elapsed,
                        retry_in=delay,
                    )
                )

    def _delay_after(self, failure: Failure) -> float:
        log.failed_attempt(self._line, self._retries.attempts, self._elapsed, failure)
        if self._retries.take_back(failure):
            self._needs_new_connection = True
            return 0.0
        self._tell_circuit(failure)
        self._tell_rate_limit(failure)
        left = None if self._deadline is None else self._deadline - self._clock()
        pause = None if self._circuit is None else self._circuit.pause
        decision = self._retries.decide(failure, left, pause)
        if isinstance(decision, NoRetry):
            self._out_of_time = decision.out_of_time
            raise self._error(failure, decision.reason)
        if failure.text not in self._earlier:
            self._earlier.append(failure.text)
        log.next_attempt(self._line, decision)
        return decision

    def _tell_rate_limit(self, failure: Failure) -> None:
        if self._permit is not None and self._last is not None:
            # A used-up monthly quota has the same status as a rate limit, but is not one.
            quota = failure.error is QuotaExceededError
            status = None if quota else failure.status_code
            self._permit.answered(self._last.limit_headers, status)

    def result(self, parsed: object) -> VectorcacheResponse:
        """Returns what the caller gets for an answer that the generated client has parsed."""
        assert isinstance(parsed, api.QueryResponse)  # Anything else has raised AttemptFailed.
        self._retries.succeeded()
        if self._circuit is not None and self._admission is not None:
            self._circuit.succeeded(self._admission)
            self._admission = None
        last, elapsed = self._last, self._elapsed
        assert last is not None
        if self._permit is not None:
            self._permit.answered(last.answer_headers, 200)
        log.answer(last, parsed.cache_hit, self._retries.attempts, elapsed)
        meta = ResponseMeta(
            200,
            last.answer_headers,
            last.request_id,
            self._retries.attempts,
            elapsed,
            rate_limit_from_headers(last.answer_headers),
        )
        self._result = response_from_parsed(parsed, meta)
        return self._result

    def seconds_to_wait(self) -> float | None:
        """Returns the seconds that this call may wait for an equal call; None for no limit.

        Raises:
            APITimeoutError: the deadline has passed.
        """
        if self._deadline is None:
            return None
        left = self._deadline - self._clock()
        if left > 0:
            return left
        raise self._error(
            Failure(
                error=APITimeoutError,
                text="the answer of an equal call, which this call waited for, had not arrived",
                repeat=Repeat.NEVER,
                advice="raise deadline=",
                sent=False,
            ),
            f"the deadline of {self._limit:g} s is over",
        )

    def outcome_for_all(self, error: VectorcacheError) -> VectorcacheError | None:
        """Returns the error that equal calls get, too; None if only this call ran out of time."""
        passed = self._deadline is not None and self._clock() >= self._deadline
        return None if passed or self._out_of_time else error

    def result_of_equal(self, outcome: Outcome) -> VectorcacheResponse:
        """Returns what the caller gets for the outcome of an equal call.

        Raises:
            VectorcacheError: the equal call failed.
        """
        elapsed = self._elapsed
        log.outcome_of_equal(elapsed)
        self._result = copy_of(outcome, elapsed)
        return self._result

    @property
    def has_fallback_for(self) -> tuple[type[VectorcacheError], ...]:
        """The errors for which the fallback is asked; empty without a fallback."""
        return () if self._settings.fallback is None else self._settings.fallback_on

    @property
    def fallback(self) -> tuple[LLM, str, str, str | None]:
        """The fallback function, and its arguments."""
        assert self._settings.fallback is not None
        query = self.query
        return self._settings.fallback, query.prompt, query.model, query.context

    def fallback_result(self, answer: object, error: VectorcacheError) -> VectorcacheResponse:
        """Returns what the caller gets for the answer of the fallback.

        Args:
            answer: what the fallback returned.
            error: the error for which the fallback was asked.

        Raises:
            ConfigurationError: the fallback did not return a text.
        """
        elapsed = self._elapsed
        self._result = response_from_fallback(answer, error, elapsed)
        log.fallback(self._line, elapsed, error)
        return self._result

    def _tell_circuit(self, failure: Failure) -> None:
        if self._circuit is not None and self._admission is not None:
            self._circuit.failed(failure, self._admission)
            self._admission = None

    def _error(self, failure: Failure, reason: str = "") -> VectorcacheError:
        log.error(self._line, self._retries.attempts, self._elapsed, failure)
        return build_error(
            failure,
            attempts=self._retries.attempts,
            elapsed=self._elapsed,
            reason=reason,
            earlier=[text for text in self._earlier if text != failure.text],
            base_url=self._settings.base_url,
        )

    @property
    def _elapsed(self) -> float:
        return self._clock() - self._started

    @property
    def _line(self) -> str:
        return self._last.line if self._last is not None else "query"
