"""One call: everything about it that can be decided without waiting.

The clients only send and sleep. What to send, how long it may take, what an outcome means,
whether and when to try again, and what the user gets in the end is decided here, from outcomes
and the clock, so that it can be tested without network and time.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Self

import httpx

from .. import _generated as api
from .._llm import LLM, answer_flaw
from .._logging import logger
from .._observer import Observed
from .._query import Query
from .._response import (
    ResponseMeta,
    VectorcacheResponse,
    rate_limit_from_headers,
    response_from_parsed,
)
from .._settings import Settings
from .._stats.account import Account
from ..errors import APITimeoutError, ConfigurationError, QuotaExceededError, VectorcacheError
from .attempt import Attempt
from .circuit import Admission
from .coalescing import Outcome, copy_of
from .error_message import error_of, in_seconds
from .failure import AttemptFailed, Failure
from .keys import CallKeys
from .retry import Repeat, backoff
from .shared import Shared

# Seconds after which a call that waits for its turn looks again, as others before it may have left.
_LOOKS_AGAIN = 5.0


class CallStopped(BaseException):
    """Ends a call that was stopped; its caller has left, and hears of nothing more."""


class Call:
    """One logical call, over all its attempts; used in a ``with`` statement, whose end is its own.

    Args:
        settings: the client's settings.
        shared: what it has in common with the client's other calls.
        query: what is asked.
        headers: what the requests carry besides what every request does.
        timeout: seconds each attempt may take, or an ``httpx.Timeout`` for its steps.
        deadline: seconds the whole call may take; None for no limit.
        max_retries: how many attempts may follow the first.
        patient: whether its time begins only once the rate limit has let it go.
        clock: seconds, monotonic.
        random_unit: a random number from 0 to 1, for jitter.
    """

    def __init__(
        self,
        settings: Settings,
        shared: Shared,
        query: Query,
        headers: Mapping[str, str],
        *,
        timeout: float | httpx.Timeout | None,
        deadline: float | None,
        max_retries: int,
        patient: bool = False,
        clock: Callable[[], float] = time.monotonic,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self.query = query
        self.body = query.to_body()
        self._settings = settings
        self._headers = headers
        self._keys = CallKeys(settings.api_key)
        self._quota = shared.quota
        self._circuit = shared.circuit
        self._permit = None if shared.gate is None else shared.gate.permit()
        observed = None
        if settings.observers:
            observed = Observed(settings.observers, query, settings.host, settings.url(""))
        self._account = Account(shared.recorder, query, observed)
        self._admission: Admission | None = None
        self._clock = clock
        self._random_unit = random_unit
        self._started = clock()
        self._timeout = timeout
        self._limit = deadline
        self._deadline = None if deadline is None else self._started + deadline
        self._max_retries = max_retries
        self._patient = patient
        self._stopped = False
        self._attempts = 0
        self._spent = 0.0
        self._last: Attempt | None = None
        self._reconnected = False
        self._fresh = False
        self._uncertain = False
        self._earlier: list[str] = []
        self._out_of_time = False

    def __enter__(self) -> Self:
        self._account.started()
        return self

    def __exit__(self, _: object, error: BaseException | None, frames: object) -> None:
        if self._permit is not None:
            self._permit.release()
        if self._circuit is not None and self._admission is not None:
            self._circuit.dropped(self._admission)  # Given up: nothing can be told from it.
        self._account.ended(error, self._attempts, self._elapsed)

    def stop(self) -> Attempt | None:
        """Lets no further attempt begin; returns the one that may be under way, to be ended."""
        self._stopped = True
        return self._last

    def seconds_to_turn(self) -> float:
        """Seconds after which to ask again; 0 where the rate limit lets the next attempt go.

        Raises:
            VectorcacheError: the deadline will come first.
        """
        if self._permit is None or (self._circuit is not None and self._circuit.pause):
            return 0.0
        delay = self._permit.delay()
        if self._patient:
            if delay:
                return min(delay, _LOOKS_AGAIN)
            self._patient = False
            self._started = self._clock()
            self._deadline = None if self._limit is None else self._started + self._limit
        elif delay and self._deadline is not None and self._clock() + delay >= self._deadline:
            self._out_of_time = True
            raise self._error(
                Failure(
                    error=APITimeoutError,
                    text=f"the client's own rate limit lets no request go for {in_seconds(delay)}",
                    repeat=Repeat.NEVER,
                    advice="come back later, or raise deadline= or rate_limit=",
                    retry_after=delay,
                    sent=False,
                ),
                f"the deadline of {self._limit:g} s leaves no time for that",
            )
        return min(delay, _LOOKS_AGAIN)

    def attempt(self) -> Attempt:
        """The next attempt.

        Raises:
            AttemptFailed: the circuit breaker does not let it through.
            CallStopped: the call was stopped.
        """
        self._attempts += 1
        if self._circuit is not None and self._admission is None and self._circuit.pause:
            raise AttemptFailed(self._circuit.refusal())
        self._last = Attempt(
            self._settings,
            self._headers,
            timeout=self._timeout,
            deadline=self._deadline,
            fresh=self._fresh,
            keys=self._keys,
            admit=self._admit,
            clock=self._clock,
        )
        self._fresh = False
        if self._stopped:  # Not before ``stop`` could see this attempt.
            raise CallStopped
        return self._last

    def _admit(self) -> None:
        # Not before there is a connection: while it waited for one, the circuit may have opened.
        if self._circuit is not None and self._admission is None:
            admission = self._circuit.admit()
            if admission is Admission.REFUSED:
                raise AttemptFailed(self._circuit.refusal())
            self._admission = admission

    def delay_after(self, failure: Failure) -> float:
        """Seconds to wait before the next attempt.

        Raises:
            VectorcacheError: there is to be no other; this is how the call ends.
            CallStopped: the call was stopped.
        """
        if self._stopped:
            raise CallStopped
        number = self._attempts
        delay: float | None = None
        try:
            delay = self._delay_after(failure)
            return delay
        finally:
            # Not of an attempt that was none.
            if failure.sent and self._attempts == number:
                self._account.attempt_failed(failure, number, self._elapsed, delay)

    def _delay_after(self, failure: Failure) -> float:
        repeat = failure.repeat
        logger.debug(
            "%s: attempt %d failed after %.3f s: %s (request %s)",
            self._line,
            self._attempts,
            self._elapsed,
            failure.status_code or failure.error.__name__,
            failure.request_id or "unnamed",
        )
        if not failure.sent:
            self._attempts -= 1
        if repeat is Repeat.AT_ONCE and not self._reconnected:
            # The server had closed the connection before it saw the request: no attempt at all.
            self._reconnected = self._fresh = True
            self._attempts -= 1
            return 0.0
        self._tell_circuit(failure)
        if self._permit is not None and self._last is not None:
            # The month's quota says nothing of the minute's limit, though its status is the same.
            quota = failure.error is QuotaExceededError
            status = None if quota else failure.status_code
            self._permit.answered(self._last.limit_headers, status)
        if repeat is Repeat.AT_ONCE:
            repeat = Repeat.ONCE
        if repeat is Repeat.NEVER or self._attempts > self._max_retries:
            raise self._error(failure)
        if repeat is Repeat.ONCE and self._uncertain:
            raise self._error(failure, "repeated only once, as each may be paid for")
        pause = None if self._circuit is None else self._circuit.pause
        if pause is not None:
            raise self._error(failure, f"the circuit is open for another {in_seconds(pause)}")
        delay = failure.retry_after
        if delay is None:
            delay = backoff(self._settings.retry, repeat, self._attempts, self._random_unit)
        elif delay > self._settings.retry.max_retry_after:
            raise self._error(failure)
        if self._deadline is not None and self._clock() + delay >= self._deadline:
            self._out_of_time = True
            raise self._error(failure, f"the deadline of {self._limit:g} s leaves no time for more")
        spent = self._quota.spend(repeat)
        if spent is None:
            raise self._error(failure, "not repeated, as the client's retry quota is used up")
        self._spent = spent
        self._uncertain |= repeat is Repeat.ONCE
        if failure.text not in self._earlier:
            self._earlier.append(failure.text)
        logger.debug("%s: next attempt in %.3f s", self._line, delay)
        return delay

    def result(self, parsed: object) -> VectorcacheResponse:
        """What the user gets for what the generated parser made of the answer."""
        assert isinstance(parsed, api.QueryResponse)  # Anything else has raised AttemptFailed.
        self._quota.give_back(self._spent)
        if self._circuit is not None and self._admission is not None:
            self._circuit.succeeded(self._admission)
            self._admission = None
        last, elapsed = self._last, self._elapsed
        assert last is not None
        if self._permit is not None:
            self._permit.answered(last.answer_headers, 200)
        logger.debug("%s: attempt %d answered after %.3f s", last.line, self._attempts, elapsed)
        logger.info(
            "%s: 200 %s in %.3f s (attempts %d, request %s)",
            last.line,
            "hit" if parsed.cache_hit else "miss",
            elapsed,
            self._attempts,
            last.request_id or "unnamed",
        )
        meta = ResponseMeta(
            200,
            last.answer_headers,
            last.request_id,
            self._attempts,
            elapsed,
            rate_limit_from_headers(last.answer_headers),
        )
        self._account.result = response_from_parsed(parsed, meta)
        return self._account.result

    def seconds_to_wait(self) -> float | None:
        """Seconds that the call may wait for the outcome of an equal one; None for no limit.

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
                text="an equal call was waiting for its answer, and this call for the same answer",
                repeat=Repeat.NEVER,
                advice="raise deadline=",
                sent=False,
            ),
            f"the deadline of {self._limit:g} s is over",
        )

    def outcome_for_all(self, error: VectorcacheError) -> VectorcacheError | None:
        """The error that equal calls get, too; None if only this call's deadline has led to it."""
        passed = self._deadline is not None and self._clock() >= self._deadline
        return None if passed or self._out_of_time else error

    def result_of_equal(self, outcome: Outcome) -> VectorcacheResponse:
        """What the user gets where the requests of an equal call came to ``outcome``.

        Raises:
            VectorcacheError: the equal call failed.
        """
        elapsed = self._elapsed
        logger.info("query: the outcome of an equal call came after %.3f s", elapsed)
        self._account.result = copy_of(outcome, elapsed)
        return self._account.result

    @property
    def stands_in_for(self) -> tuple[type[VectorcacheError], ...]:
        """The errors for which there is a fallback; none where there is no fallback."""
        return () if self._settings.fallback is None else self._settings.fallback_on

    @property
    def fallback(self) -> tuple[LLM, str, str, str | None]:
        """The fallback, and what it is to be asked."""
        assert self._settings.fallback is not None
        query = self.query
        return self._settings.fallback, query.prompt, query.model, query.context

    def stand_in(self, answer: object, error: VectorcacheError) -> VectorcacheResponse:
        """What the user gets where ``fallback`` answered in the place of the cache.

        Raises:
            ConfigurationError: it did not answer with a text.
        """
        fault = "" if answer == "" else answer_flaw(answer)
        if fault:
            raise ConfigurationError(f"fallback must {fault}") from error
        assert isinstance(answer, str)
        elapsed = self._elapsed
        # A 422 is a matter of course; for anything else somebody may be paying unawares.
        level = logging.INFO if error.status_code == 422 else logging.WARNING
        name = error.status_code or type(error).__name__
        logger.log(level, "%s: the fallback answered in %.3f s for %s", self._line, elapsed, name)
        error.__context__ = None  # Nor would the caller's own error, with its frames.
        meta = ResponseMeta(
            error.status_code,
            request_id=error.request_id,
            attempts=error.attempts,
            elapsed=elapsed,
            error=error.with_traceback(None),  # Its frames would live as long as the answer.
        )
        result = VectorcacheResponse(False, answer, None, 0.0, "fallback", meta=meta)
        self._account.result = result
        return result

    def _tell_circuit(self, failure: Failure) -> None:
        if self._circuit is not None and self._admission is not None:
            self._circuit.failed(failure, self._admission)
            self._admission = None

    def _error(self, failure: Failure, reason: str = "") -> VectorcacheError:
        logger.info(
            "%s: %s in %.3f s (attempts %d, request %s)",
            self._line,
            failure.status_code or failure.error.__name__,
            self._elapsed,
            self._attempts,
            failure.request_id or "unnamed",
        )
        return error_of(
            failure,
            attempts=self._attempts,
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
