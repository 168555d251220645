"""What the generated functions see as their client, for one attempt.

They call ``client.get_httpx_client().request(...)`` and parse what it returns. These give them
an answer they can parse, or raise ``AttemptFailed``.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast

import httpx

from ._answer import Answer
from ._attempt import Attempt
from ._connections import AsyncConnections, Connections
from ._failure import without_frames

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
        request = attempt.request(attempt.trace, **wanted)
        try:
            with self._connections.take(attempt) as transport:
                response = transport.handle_request(request)
                try:
                    reader = attempt.reader(response)
                    for chunk in cast(httpx.SyncByteStream, response.stream):
                        if not reader.feed(chunk):
                            break
                finally:
                    response.close()
            return attempt.answer(response, reader)
        except Exception as error:
            raise attempt.failure(error, request) from None
        except BaseException as error:
            without_frames(error)
            raise


class AsyncSender(_Sending[AsyncConnections]):
    """Sends one attempt and awaits it."""

    def get_async_httpx_client(self) -> AsyncSender:
        return self

    async def request(self, **wanted: Any) -> Answer:
        import anyio

        attempt = self._attempt
        request = attempt.request(attempt.trace_async, **wanted)
        try:
            async with self._connections.take(attempt) as transport:
                with anyio.fail_after(attempt.seconds_left):
                    response = await transport.handle_async_request(request)
                    try:
                        reader = attempt.reader(response)
                        async for chunk in cast(httpx.AsyncByteStream, response.stream):
                            if not reader.feed(chunk):
                                break
                    finally:
                        await response.aclose()
            return attempt.answer(response, reader)
        except Exception as error:
            raise attempt.failure(error, request) from None
        except BaseException as error:
            without_frames(error)
            raise
