"""Sends one attempt: the client that the generated functions get.

They call ``client.get_httpx_client().request(...)`` and parse what it returns. A sender returns an
answer that they can parse, or raises ``AttemptFailed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

import httpx

from .._call.answer import CheckedAnswer
from .._call.attempt import Attempt
from .._call.foreign_exceptions import foreign_exception
from .._call.network_errors import exception_to_raise
from .._call.time_budget import least
from .._call.trace import Step
from .._secret import hidden
from .connections import AsyncConnections, Connections
from .dns import NO_ADDRESS, addresses
from .private_names import holds_more
from .time_limit import end_after
from .transports import Body

C = TypeVar("C", bound=Connections | AsyncConnections)


class _Sending(Generic[C]):
    raise_on_unexpected_status = True

    def __init__(self, attempt: Attempt, connections: C) -> None:
        self._attempt = attempt
        self._connections = connections

    def _request(self, trace: Any, wanted: Mapping[str, Any]) -> httpx.Request:
        request = self._attempt.request(**wanted)
        request.stream = Body(request.content)
        request.extensions["trace"] = trace
        return request


class Sender(_Sending[Connections]):
    """Sends one attempt and waits for it."""

    def get_httpx_client(self) -> Sender:
        return self

    def request(self, **wanted: Any) -> CheckedAnswer:
        attempt = self._attempt
        awaitable = attempt.keys.ask()
        if awaitable is not None:
            attempt.keys.refuse(awaitable)
        request = self._request(self._trace, wanted)
        try:
            with self._connections.take(attempt) as transport:
                response = transport.handle_request(request)
                try:
                    reader = attempt.reader(response)
                    for chunk in cast(httpx.SyncByteStream, response.stream):
                        if not reader.feed(chunk):
                            break
                        # The watchdog ends a late answer, too, but not while the interpreter ends.
                        attempt.time.refuse_more_if_late()
                finally:
                    response.close()
                if holds_more(transport, response):
                    transport.close()
            return attempt.answer(response, reader)
        except BaseException as error:
            ended = exception_to_raise(error, attempt, request)
        try:
            raise ended  # Raised here, as inside ``except`` it would get ``error`` as its context.
        finally:
            del ended  # Otherwise the exception and this frame would keep each other alive.

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Follows the trace of httpcore, and ends the request if it is late.

        The watchdog closes sockets, and a thread that connects does not have one yet. So a late
        connection is closed here. A transport that a test has replaced reports nothing, and so
        needs neither a thread nor a name server.
        """
        attempt = self._attempt
        if not attempt.trace.reported:
            self._connections.watch(attempt)
        if event.endswith(".failed"):
            self._raise_foreign(info["exception"])
        step = attempt.trace.follow(event, info)
        if step is Step.CONNECTING and self._connections.looks_up_names:
            self._look_up(info)
        elif step is Step.CONNECTED and attempt.time.expired:
            attempt.trace.network_stream.close()
            raise httpx.ConnectTimeout("connected too late")

    def _raise_foreign(self, error: BaseException) -> None:
        """Raises an exception of the caller's own, some of which httpcore ignores as it sends."""
        foreign = foreign_exception(error, self._attempt.handled_before)
        if foreign is not None and foreign is not error:
            raise foreign

    def _look_up(self, connect: dict[str, Any]) -> None:
        """Looks up the host of the service, and divides the time that is left by its addresses.

        Nothing can interrupt a thread while it looks up a name or connects.

        Args:
            connect: the arguments of httpcore's ``connect_tcp``, which tries each address of the
                host for its ``timeout``.

        Raises:
            httpx.ConnectTimeout: the name could not be looked up in time.
            httpx.ConnectError: the name does not exist.
        """
        time = self._attempt.time
        found = addresses(connect["host"], connect["port"], time.seconds_left)
        if time.seconds_left is not None:
            connect["timeout"] = least(connect["timeout"], time.seconds_left / found)


class AsyncSender(_Sending[AsyncConnections]):
    """Sends one attempt and awaits it."""

    def get_async_httpx_client(self) -> AsyncSender:
        return self

    async def request(self, **wanted: Any) -> CheckedAnswer:
        attempt = self._attempt
        awaitable = attempt.keys.ask()
        if awaitable is not None:
            attempt.keys.take(hidden(await awaitable))
        request = self._request(self._trace, wanted)
        try:
            async with self._connections.take(attempt) as transport:
                with end_after(attempt.time.overall_limit()):
                    response = await transport.handle_async_request(request)
                    try:
                        reader = attempt.reader(response)
                        async for chunk in cast(httpx.AsyncByteStream, response.stream):
                            if not reader.feed(chunk):
                                break
                    finally:
                        await response.aclose()
                    if holds_more(transport, response):
                        await transport.aclose()
            return attempt.answer(response, reader)
        except BaseException as error:
            ended = exception_to_raise(error, attempt, request)
        try:
            raise ended  # Raised here, as inside ``except`` it would get ``error`` as its context.
        finally:
            del ended  # Otherwise the exception and this frame would keep each other alive.

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follows the trace of httpcore; a task that is late is cancelled."""
        self._attempt.trace.follow(event, info)
        # anyio raises a plain ValueError for a name without an address, and UnicodeError, which is
        # a ValueError too, for an invalid name.
        if event.endswith("connect_tcp.failed") and type(info["exception"]) is ValueError:
            raise httpx.ConnectError(NO_ADDRESS)
