"""What the generated functions see as their client, for one attempt.

They call ``client.get_httpx_client().request(...)`` and parse what it returns. These give them
an answer they can parse, or raise ``AttemptFailed``.
"""

from __future__ import annotations

import ssl
from typing import Any, Generic, TypeVar, cast

import httpx

from .._call.attempt import Attempt
from .._call.body import Answer
from .connections import AsyncConnections, Connections
from .time_limit import end_after

C = TypeVar("C", bound=Connections | AsyncConnections)


class _Sending(Generic[C]):
    raise_on_unexpected_status = True

    def __init__(self, attempt: Attempt, connections: C) -> None:
        self._attempt = attempt
        self._connections = connections


class Sender(_Sending[Connections]):
    """Sends one attempt and waits for it."""

    def get_httpx_client(self) -> Sender:
        return self

    def request(self, **wanted: Any) -> Answer:
        attempt = self._attempt
        attempt.keys.ask()
        request = attempt.request(attempt.trace, **wanted)
        try:
            with self._connections.take(attempt) as transport:
                response = transport.handle_request(request)
                try:
                    reader = attempt.reader(response)
                    for chunk in cast(httpx.SyncByteStream, response.stream):
                        if not reader.feed(chunk):
                            break
                        # The watchdog does so, unless the interpreter ends: then it has no thread.
                        attempt.refuse_more_if_late()
                finally:
                    response.close()
                if _holds_more(transport, response):
                    transport.close()
            return attempt.answer(response, reader)
        except BaseException as error:
            ended = attempt.failure(error, request)
        try:
            raise ended  # Not where another is handled, which would become its context.
        finally:
            del ended  # Else it and this frame would hold each other.


class AsyncSender(_Sending[AsyncConnections]):
    """Sends one attempt and awaits it."""

    def get_async_httpx_client(self) -> AsyncSender:
        return self

    async def request(self, **wanted: Any) -> Answer:
        attempt = self._attempt
        await attempt.keys.ask_async()
        request = attempt.request(attempt.trace_async, **wanted)
        try:
            async with self._connections.take(attempt) as transport:
                with end_after(attempt.time_limit()):
                    response = await transport.handle_async_request(request)
                    try:
                        reader = attempt.reader(response)
                        async for chunk in cast(httpx.AsyncByteStream, response.stream):
                            if not reader.feed(chunk):
                                break
                    finally:
                        await response.aclose()
                    if _holds_more(transport, response):
                        await transport.aclose()
            return attempt.answer(response, reader)
        except BaseException as error:
            ended = attempt.failure(error, request)
        try:
            raise ended  # Not where another is handled, which would become its context.
        finally:
            del ended  # Else it and this frame would hold each other.


def _holds_more(transport: Any, response: httpx.Response) -> bool:
    """Whether more than the answer has been read off the connection.

    httpcore keeps such bytes, and takes them for the answer to the next request. It shows them
    nowhere, hence the private names; a transport that is not httpx's own has none of them.
    """
    connection = next(iter(getattr(getattr(transport, "_pool", None), "connections", ())), None)
    while connection is not None:
        state = getattr(connection, "_h11_state", None)
        if state is not None:
            return bool(state.trailing_data[0]) or _tls_holds_more(response)
        connection = getattr(connection, "_connection", None)
    return False


def _tls_holds_more(response: httpx.Response) -> bool:
    tls = response.extensions["network_stream"].get_extra_info("ssl_object")
    if not isinstance(tls, ssl.SSLObject):
        return False  # What a socket holds makes it readable, and httpcore looks at that.
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        pass
    return True
