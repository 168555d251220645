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

import httpx

from . import _generated as api
from ._attempt import Attempt
from ._circuit import Admission, Circuit
from ._failure import AttemptFailed, Failure
from ._llm import LLM, fault_of
from ._logging import logger
from ._query import Query
from ._response import ResponseMeta, VectorcacheResponse
from ._result import rate_limit_of, response_of
from ._retry import Repeat, RetryQuota, backoff
from ._settings import Settings
from .errors import ConfigurationError, VectorcacheError


class Call:
    """One logical call, over all its attempts.

    Args:
        settings: the client's settings.
        quota: the client's retry quota.
        circuit: the client's circuit breaker, if it has one.
        query: what is asked.
        headers: what the requests carry besides what every request does.
        timeout: seconds each attempt may take, or an ``httpx.Timeout`` for its steps.
        deadline: seconds the whole call may take; None for no limit.
        max_retries: how many attempts may follow the first.
        clock: seconds, monotonic.
        random_unit: a random number from 0 to 1, for jitter.
    """

    def __init__(
        self,
        settings: Settings,
        quota: RetryQuota,
        circuit: Circuit | None,
        query: Query,
        headers: Mapping[str, str],
        *,
        timeout: float | httpx.Timeout | None,
        deadline: float | None,
        max_retries: int,
        clock: Callable[[], float] = time.monotonic,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self.query = query
        self.body = query.to_body()
        self._settings = settings
        self._headers = headers
        self._quota = quota
        self._circuit = circuit
        self._admission: Admission | None = None
        self._clock = clock
        self._random_unit = random_unit
        self._started = clock()
        self._timeout = timeout
        self._limit = deadline
        self._deadline = None if deadline is None else self._started + deadline
        self._max_retries = max_retries
        self._attempts = 0
        self._spent = 0.0
        self._last: Attempt | None = None
        self._reconnected = False
        self._fresh = False
        self._uncertain = False
        self._earlier: list[str] = []

    def attempt(self) -> Attempt:
        """The next attempt.

        Raises:
            AttemptFailed: the circuit breaker does not let it through.
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
            admit=self._admit,
            clock=self._clock,
        )
        self._fresh = False
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
        """
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
        if repeat is Repeat.AT_ONCE:
            repeat = Repeat.ONCE
        if repeat is Repeat.NEVER or self._attempts > self._max_retries:
            raise self._error(failure)
        if repeat is Repeat.ONCE and self._uncertain:
            raise self._error(failure, "repeated only once, as each may be paid for")
        pause = None if self._circuit is None else self._circuit.pause
        if pause is not None:
            raise self._error(failure, f"the circuit is open for another {_seconds(pause)}")
        delay = failure.retry_after
        if delay is None:
            delay = backoff(self._settings.retry, repeat, self._attempts, self._random_unit)
        elif delay > self._settings.retry.max_retry_after:
            raise self._error(failure)
        if self._deadline is not None and self._clock() + delay >= self._deadline:
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
        last, elapsed = self._last, self._elapsed
        assert last is not None
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
            rate_limit_of(last.answer_headers),
        )
        return response_of(parsed, meta)

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
        fault = "" if answer == "" else fault_of(answer)
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
        return VectorcacheResponse(False, answer, None, 0.0, "fallback", meta=meta)

    def dropped(self) -> None:
        """Says that the attempt under way was given up, and nothing can be told from it."""
        if self._circuit is not None and self._admission is not None:
            self._circuit.dropped(self._admission)

    def _tell_circuit(self, failure: Failure) -> None:
        if self._circuit is not None and self._admission is not None:
            self._circuit.failed(failure, self._admission)
            self._admission = None

    def _error(self, failure: Failure, reason: str = "") -> VectorcacheError:
        facts = []
        if failure.request_id is not None:
            facts.append(f"request {failure.request_id}")
        if self._attempts:
            plural = "" if self._attempts == 1 else "s"
            facts.append(f"{self._attempts} attempt{plural} in {_seconds(self._elapsed)}")
        else:
            facts.append(f"after {_seconds(self._elapsed)}")
        if failure.retry_after is not None:
            facts.append(f"try again in {_seconds(failure.retry_after)}")
        if reason:
            facts.append(reason)
        earlier = [text for text in self._earlier if text != failure.text]
        if earlier:
            facts.append(f"before that: {'; '.join(earlier)}")
        message = f"{failure.text} ({', '.join(facts)})"
        if failure.advice:
            message += f"; {failure.advice.format(base_url=self._settings.base_url)}"
        logger.info(
            "%s: %s in %.3f s (attempts %d, request %s)",
            self._line,
            failure.status_code or failure.error.__name__,
            self._elapsed,
            self._attempts,
            failure.request_id or "unnamed",
        )
        error = failure.error(
            message,
            status_code=failure.status_code,
            retry_after=failure.retry_after,
            request_id=failure.request_id,
            body=failure.body,
            attempts=self._attempts,
            **failure.details,
        )
        error.__cause__ = failure.cause
        return error

    @property
    def _elapsed(self) -> float:
        return self._clock() - self._started

    @property
    def _line(self) -> str:
        return self._last.line if self._last is not None else "query"


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value >= 10 else f"{value:.2g} s"
