"""One attempt: what to send, how long it may take, how far it got and what came of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx

from .._headers import headers_for_error
from .._transport.dns import NO_ADDRESS, addresses
from .._transport.time_limit import TAKING_SECONDS
from .._transport.transports import Body
from ..errors import VectorcacheError
from . import status_errors as _status
from .body import Answer, BodyReader, UnreadableAnswer
from .failure import (
    AttemptFailed,
    Failure,
    of_exception,
    of_unreadable,
    without_frames,
    without_key,
)
from .foreign_exceptions import foreign_exception, handled_now, keep_own_frames
from .keys import CallKeys
from .trace import Progress, Step, Trace

if TYPE_CHECKING:
    from .._settings import Settings

# ``ensure_ascii=False``: half the bytes for most of the world's scripts.
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

# No header of the service's own is documented; these are the usual ones, a CDN's last.
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "cf-ray")

# What a rate limit has to know of a failed attempt.
_LIMIT_HEADERS = (
    "date",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
)


class Attempt(Progress):
    """One attempt of a call, from its request to its answer.

    Args:
        settings: the client's settings.
        headers: what the request carries besides what every request does.
        timeout: seconds the attempt may take, or an ``httpx.Timeout`` for its steps.
        deadline: when the whole call has to be over, by ``clock``; None for never.
        fresh: whether an idle connection will not do.
        keys: the keys of the call; by default the one of ``settings``.
        admit: called once there is a connection; raises what is to end the attempt there.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        settings: Settings,
        headers: Mapping[str, str],
        *,
        timeout: float | httpx.Timeout | None,
        deadline: float | None,
        fresh: bool,
        keys: CallKeys | None = None,
        admit: Callable[[], None] = lambda: None,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(settings.url(""))
        self.fresh = fresh
        self.known = handled_now()
        self.keys = keys or CallKeys(settings.api_key)
        self.ends: float | None = None
        self.wake: Callable[[], object] = lambda: None
        self.watch: Callable[[Attempt], object] = lambda _: None
        self.looks_up = False
        self.line = ""
        self.status_code: int | None = None
        self.request_id: str | None = None
        self.answer_headers = httpx.Headers()
        self.limit_headers: dict[str, str] = {}
        self._settings = settings
        self._headers = headers
        self._timeout = timeout
        self._timeouts: dict[str, float | None] = {}
        self._deadline = deadline
        self._limit: float | None = None
        self._admit = admit
        self._clock = clock
        self._began = 0.0
        self._ended = False
        self._arrived_by: float | None = None
        self._reader: BodyReader | None = None
        self._expected = ""
        self._ends_with_connection = False

    @property
    def seconds_to_queue(self) -> float | None:
        """Seconds that the attempt may wait for a free connection; None for no limit."""
        pool = self._timeout.pool if isinstance(self._timeout, httpx.Timeout) else None
        return _least(self._seconds_to_deadline(), pool)

    def begin(self, network_stream: Any) -> None:
        """Starts the attempt's time, now that it has a connection.

        Raises:
            AttemptFailed: the circuit breaker does not let it through.
        """
        self._admit()
        self.took(network_stream)
        self._began = self._clock()
        left, timeout = self._seconds_to_deadline(), self._timeout
        if isinstance(timeout, httpx.Timeout):
            for step, seconds in timeout.as_dict().items():
                self._timeouts[step] = _least(left, seconds)
        else:
            left = _least(left, timeout)
            self._timeouts.update(connect=left, read=left, write=left)
        # Kept, since the difference between ``ends`` and ``_began`` may be a rounding larger.
        self._limit = left
        self.ends = None if left is None else self._began + left
        if self._ended:
            self.ends = self._began

    def time_limit(self) -> float | None:
        """Seconds that are left, for a caller who ends the attempt; steps keep shorter limits only.

        A limit of a step that ends at the same moment would be first, and knows nothing of a
        process that was frozen.
        """
        if self._limit is not None:
            for step, seconds in self._timeouts.items():
                if seconds is not None and seconds >= self._limit:
                    self._timeouts[step] = None
        return self.seconds_left

    def end(self) -> None:
        """Leaves it no more time; its own thread gets to know of it where it waits."""
        self._ended = True
        self.ends = self._clock()
        self.wake()

    def _look_up(self, connect: Any) -> None:
        """Looks up the host that is about to be connected to, and shares the time that is left.

        A thread cannot be interrupted while it looks up a name or connects.

        Args:
            connect: the arguments of httpcore's ``connect_tcp``, which tries each address of the
                host for its ``timeout``.

        Raises:
            httpx.ConnectTimeout: the name could not be looked up in time.
            httpx.ConnectError: there is no such name.
        """
        found = addresses(connect["host"], connect["port"], self.seconds_left)
        if self.seconds_left is not None:
            connect["timeout"] = _least(connect["timeout"], self.seconds_left / found)

    def _seconds_to_deadline(self) -> float | None:
        # Never 0: a socket would take that to mean "do not wait, and do not fail".
        return None if self._deadline is None else max(0.001, self._deadline - self._clock())

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the attempt has to be over; None for no limit."""
        return None if self.ends is None else max(0.0, self.ends - self._clock())

    @property
    def seconds_spent(self) -> float:
        """Seconds since it got its connection, as far as they were its own to spend."""
        now = self._clock()
        return (now if self.ends is None else min(now, self.ends)) - self._began

    @property
    def expired(self) -> bool:
        return self.ends is not None and self._clock() >= self.ends

    def refuse_more_if_late(self) -> None:
        """Ends an answer that goes on although the time is up.

        A process that was frozen finds an answer that has arrived meanwhile, and takes that.

        Raises:
            httpx.ReadTimeout: there was time enough for all that had arrived.
        """
        if self.expired:
            now = self._clock()
            if self._arrived_by is None:
                self._arrived_by = now + TAKING_SECONDS
            elif now >= self._arrived_by:
                raise httpx.ReadTimeout("the answer had not ended")

    @property
    def doing(self) -> str:
        """What the attempt is at, in words."""
        if self._reader is None:
            return self.step
        return f"reading the answer ({self._reader.received:,}{self._expected} bytes arrived)"

    def request(
        self, trace: Trace, *, method: str, url: str, json: Any, headers: Mapping[str, str]
    ) -> httpx.Request:
        """The request, from what the generated function wants sent."""
        self.line = f"{method.upper()} {url}"
        content = _encoder.encode(json).encode()
        request = httpx.Request(
            method,
            self._settings.url(url),
            headers={**self._headers, **headers},
            content=content,
            extensions={"timeout": self._timeouts, "trace": trace},
        )
        request.stream = Body(content)
        request.headers["Authorization"] = f"Bearer {self.keys.reveal()}"
        return request

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follows httpcore's own account of where a request is, and ends it if it is late.

        While a thread connects there is no socket that the watchdog could shut. A transport that
        a test has patched traces nothing, and so needs neither a thread nor a name server.
        """
        if not self.traced:
            self.watch(self)
        if event.endswith(".failed"):
            self._refuse_foreign(info["exception"])
        step = self.follow(event, info)
        if step is Step.CONNECTING and self.looks_up:
            self._look_up(info)
        elif step is Step.CONNECTED and self.expired:
            self.network_stream.close()
            raise httpx.ConnectTimeout("connected too late")

    async def trace_async(self, event: str, info: Mapping[str, Any]) -> None:
        """The same for tasks, which are cancelled when they are late."""
        self.follow(event, info)
        # What anyio raises where a name has no address; a bad name is a UnicodeError.
        if event.endswith("connect_tcp.failed") and type(info["exception"]) is ValueError:
            raise httpx.ConnectError(NO_ADDRESS)

    def _refuse_foreign(self, error: BaseException) -> None:
        """Raises what is the caller's, of which httpcore ignores some while it sends."""
        foreign = foreign_exception(error, self.known)
        if foreign is not None and foreign is not error:
            raise foreign

    def reader(self, response: httpx.Response) -> BodyReader:
        """What collects the body of ``response``, whose status and headers have arrived."""
        self.status_code = response.status_code
        self.answer_headers = self._without_key(response.headers)
        self.request_id = self._request_id(response.headers)
        length = response.headers.get("content-length", "")
        if re.fullmatch(r"[0-9]{1,15}", length):
            self._expected = f" of {int(length):,}"
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

    def answer(self, response: httpx.Response, reader: BodyReader) -> Answer:
        """The checked answer.

        Raises:
            AttemptFailed: its status is not 200, or it is not what the service promises.
            UnreadableAnswer: it is too large, or its compression is broken.
            httpx.ReadTimeout: it ended only because time did.
        """
        if self._ends_with_connection and self.expired:
            raise httpx.ReadTimeout("the answer had not ended")  # The watchdog ended it.
        status, key = response.status_code, self.keys
        if status != 200:
            try:
                content = reader.content()
            except UnreadableAnswer:
                content = b""  # The status decides.
            raise AttemptFailed(self._of_status(status, content))
        content = reader.content()
        try:
            return Answer.checked(status, response.headers, content)
        except UnreadableAnswer as error:
            body = _status.body_of(content, key)
            raise AttemptFailed(of_unreadable(error, self, body)) from None

    def _of_status(self, status: int, content: bytes) -> Failure:
        answer = Answer(status, self.answer_headers, content)
        return _status.of_answer(answer, self.request_id, self.keys)

    def _of_exception(self, error: Exception) -> Failure:
        failure = of_exception(error, self)
        if self.status_code in (None, 200):
            return failure
        # The status decides, however much of the body came.
        known = self._of_status(self.status_code, b"")
        return known._replace(text=f"{known.text}; {failure.text}", cause=failure.cause)

    def failure(self, error: BaseException, request: httpx.Request) -> BaseException:
        """What to raise for ``error``, met while sending or reading."""
        # The error may hold the request, and be kept for long by whoever catches ours.
        request.headers.pop("Authorization", None)
        foreign = foreign_exception(error, self.known)
        if foreign is not None:
            keep_own_frames(foreign, self.known)
            return foreign
        assert isinstance(error, Exception)
        match error:
            case VectorcacheError():
                without_frames(error, self.known)
                return error
            case AttemptFailed():
                failure = error.failure
            case UnreadableAnswer():
                failure = of_unreadable(error, self)
            case _:
                failure = self._of_exception(error)
        # What else the service sent is of no more use, and a traceback would lead to it.
        self.limit_headers = {
            name: self.answer_headers[name]
            for name in _LIMIT_HEADERS
            if name in self.answer_headers
        }
        failure = failure._replace(headers=headers_for_error(self.answer_headers))
        self._reader, self.answer_headers = None, httpx.Headers()
        return AttemptFailed(without_key(failure, self.keys))


def _least(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)
