"""One attempt of a call: its request, its time, its trace, and the answer that came."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from .._settings import Settings
from .answer import CheckedAnswer
from .body import BodyReader, UnusableAnswer
from .failure import AttemptFailed
from .foreign_exceptions import exceptions_handled_now
from .keys import CallKeys
from .status_errors import body_value, failure_from_status
from .time_budget import TimeBudget
from .trace import RequestTrace

# ``ensure_ascii=False`` halves the size of text in most of the world's scripts.
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

# The service documents no header for this. These are the usual ones, that of a CDN last.
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "cf-ray")

_LIMIT_HEADERS = (
    "date",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
)


class Attempt:
    """One attempt of a call, from its request to its answer.

    Args:
        settings: the settings of the client.
        headers: the headers of this call's requests.
        timeout: seconds the attempt may take, or an ``httpx.Timeout`` for its steps.
        deadline: when the whole call has to be over, by ``clock``; None for never.
        needs_new_connection: whether the attempt must not use an idle connection.
        keys: the keys of the call; by default, the key of ``settings``.
        admit: called once there is a connection; raises an exception to end the attempt there.
        clock: seconds, monotonic.

    Attributes:
        time: its limits in time.
        trace: how far its request has got.
        handled_before: the exceptions that the caller was handling when the attempt began.
        line: method and path of the request, for log messages.
        status_code: the status of the answer; None while no answer has arrived.
        request_id: the service's name for the request, from the answer.
        answer_headers: the headers of the answer, without the key.
        limit_headers: the headers about the rate limit, of an attempt that failed.
        wake: interrupts a thread that waits for a connection for this attempt.
    """

    def __init__(
        self,
        settings: Settings,
        headers: Mapping[str, str],
        *,
        timeout: float | httpx.Timeout | None,
        deadline: float | None,
        needs_new_connection: bool = False,
        keys: CallKeys | None = None,
        admit: Callable[[], None] = lambda: None,
        clock: Callable[[], float],
    ) -> None:
        self.time = TimeBudget(timeout, deadline, clock)
        self.trace = RequestTrace(settings.url(""))
        self.keys = keys or CallKeys(settings.api_key)
        self.needs_new_connection = needs_new_connection
        self.handled_before = exceptions_handled_now()
        self.wake: Callable[[], object] = lambda: None
        self.line = ""
        self.status_code: int | None = None
        self.request_id: str | None = None
        self.answer_headers = httpx.Headers()
        self.limit_headers: dict[str, str] = {}
        self._settings = settings
        self._headers = headers
        self._admit = admit
        self._reader: BodyReader | None = None
        self._expected_bytes = ""
        self._ends_with_connection = False

    def begin(self, network_stream: Any) -> None:
        """Starts the time of the attempt, which now has a connection.

        Raises:
            AttemptFailed: the circuit breaker does not admit the attempt.
        """
        self._admit()
        self.trace.start(network_stream)
        self.time.begin()

    def end_now(self) -> None:
        """Ends the attempt from another thread: it has no more time, and stops waiting."""
        self.time.end_now()
        self.wake()

    @property
    def doing(self) -> str:
        """What the attempt is doing, in words."""
        if self._reader is None:
            return self.trace.step
        return f"reading the answer ({self._reader.received:,}{self._expected_bytes} bytes arrived)"

    def request(
        self, *, method: str, url: str, json: Any, headers: Mapping[str, str]
    ) -> httpx.Request:
        """Builds the request, from the arguments of the generated function."""
        self.line = f"{method.upper()} {url}"
        request = httpx.Request(
            method,
            self._settings.url(url),
            headers={**self._headers, **headers},
            content=_encoder.encode(json).encode(),
            extensions={"timeout": self.time.timeouts},
        )
        request.headers["Authorization"] = f"Bearer {self.keys.reveal()}"
        return request

    def reader(self, response: httpx.Response) -> BodyReader:
        """Returns a reader for the body of ``response``, whose status and headers have arrived."""
        self.status_code = response.status_code
        self.answer_headers = self._without_key(response.headers)
        self.request_id = self._request_id(response.headers)
        length = response.headers.get("content-length", "")
        if re.fullmatch(r"[0-9]{1,15}", length):
            self._expected_bytes = f" of {int(length):,}"
        self._ends_with_connection = not (length or "transfer-encoding" in response.headers)
        self._reader = BodyReader(
            response.headers.get("content-encoding", ""), self._settings.max_response_bytes
        )
        return self._reader

    def _without_key(self, headers: httpx.Headers) -> httpx.Headers:
        redact = self.keys.redact_bytes
        clean = [(redact(name), redact(value)) for name, value in headers.raw]
        return headers if clean == headers.raw else httpx.Headers(clean)

    def _request_id(self, headers: httpx.Headers) -> str | None:
        for name in _REQUEST_ID_HEADERS:
            value = headers.get(name)
            if value:
                printable = re.sub(r"[^\x21-\x7e]", "", value)
                return self.keys.redact(printable)[:128] or None
        return None

    def answer(self, response: httpx.Response, reader: BodyReader) -> CheckedAnswer:
        """Returns the answer, whose every field has been checked.

        Raises:
            AttemptFailed: the status is not 200.
            UnusableAnswer: the answer is too large, its compression is broken, or a field is not
                what the service promises.
            httpx.ReadTimeout: the answer ended only because the time was over.
        """
        if self._ends_with_connection and self.time.expired:
            # The watchdog closed the connection, which looks like the end of the answer.
            raise httpx.ReadTimeout("the answer had not ended")
        status = response.status_code
        if status != 200:
            try:
                content = reader.content()
            except UnusableAnswer:
                content = b""  # The status alone decides.
            raise AttemptFailed(
                failure_from_status(
                    status, self.answer_headers, content, self.request_id, self.keys
                )
            )
        content = reader.content()
        try:
            return CheckedAnswer(status, response.headers, content)
        except UnusableAnswer as error:
            error.body = body_value(content, self.keys)
            raise

    def release_answer(self) -> None:
        """Drops the answer, which an error would keep alive, except what a rate limit needs."""
        self.limit_headers = {
            name: self.answer_headers[name]
            for name in _LIMIT_HEADERS
            if name in self.answer_headers
        }
        self._reader, self.answer_headers = None, httpx.Headers()
