"""One call: everything about it that can be decided without waiting.

The clients only send and sleep. What to send, how long it may take, what an outcome means,
whether and when to try again, and what the user gets in the end is decided here, from outcomes
and the clock, so that it can be tested without network and time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import httpx

from . import _generated as api
from ._attempt import Attempt
from ._failure import Failure
from ._hints import reset_time
from ._logging import logger
from ._response import DebugInfo, RateLimit, ResponseMeta, VectorcacheResponse
from ._retry import Repeat, RetryQuota, backoff
from ._settings import Settings
from .errors import VectorcacheError

T = TypeVar("T")


class Call:
    """One logical call, over all its attempts.

    Args:
        settings: the client's settings.
        quota: the client's retry quota.
        body: the request.
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
        body: api.QueryRequest,
        headers: Mapping[str, str],
        *,
        timeout: float | httpx.Timeout | None,
        deadline: float | None,
        max_retries: int,
        clock: Callable[[], float] = time.monotonic,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self.body = body
        self._settings = settings
        self._headers = headers
        self._quota = quota
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
        """The next attempt."""
        self._attempts += 1
        self._last = Attempt(
            self._settings,
            self._headers,
            timeout=self._timeout,
            deadline=self._deadline,
            fresh=self._fresh,
            clock=self._clock,
        )
        self._fresh = False
        return self._last

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
        if repeat is Repeat.AT_ONCE:
            repeat = Repeat.ONCE
        if repeat is Repeat.NEVER or self._attempts > self._max_retries:
            raise self._error(failure)
        if repeat is Repeat.ONCE and self._uncertain:
            raise self._error(failure, "repeated only once, as each may be paid for")
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
        return VectorcacheResponse(
            parsed.cache_hit,
            parsed.response,
            _number(parsed.similarity_score),
            float(parsed.cost_saved),
            parsed.llm_provider,
            _debug_info(parsed),
            extra=parsed.additional_properties,
            meta=ResponseMeta(
                200,
                last.answer_headers,
                last.request_id,
                self._attempts,
                elapsed,
                _rate_limit(last.answer_headers),
            ),
        )

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
        return self._last.line if self._last is not None else ""


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value >= 10 else f"{value:.2g} s"


def _set(value: T | api.Unset | None) -> T | None:
    return None if isinstance(value, api.Unset) else value


def _number(value: float | api.Unset | None) -> float | None:
    # JSON has one kind of number: a service may well write 1 for 1.0.
    return None if value is None or isinstance(value, api.Unset) else float(value)


def _debug_info(parsed: api.QueryResponse) -> DebugInfo | None:
    debug = parsed.debug
    if isinstance(debug, api.Unset):
        return None
    return DebugInfo(
        _number(debug.embedding_time_ms),
        _number(debug.search_time_ms),
        _number(debug.total_time_ms),
        _set(debug.matched_cache_entry_id),
        _set(debug.cache_entry_count),
        extra=debug.additional_properties,
    )


def _rate_limit(headers: httpx.Headers) -> RateLimit | None:
    limit = _count(headers.get("x-ratelimit-limit"))
    remaining = _count(headers.get("x-ratelimit-remaining"))
    reset_at = reset_time(headers)
    if limit is None and remaining is None and reset_at is None:
        return None
    return RateLimit(limit, remaining, reset_at)


def _count(text: str | None) -> int | None:
    # 18 digits: within what Python reads quickly, and beyond any limit.
    return int(text) if text and len(text) <= 18 and text.isascii() and text.isdigit() else None
