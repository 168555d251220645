"""The client for event loops."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Self, cast

import httpx

from . import _generated as api
from ._call import Call
from ._client import NOT_GIVEN, ConfiguredClient, NotGiven
from ._connections import AsyncConnections
from ._failure import AttemptFailed
from ._llm import aask
from ._network import SEND_AS_IT_IS, AsyncBorrowedTransport, Network
from ._response import VectorcacheResponse
from ._sending import AsyncSender
from .errors import ConfigurationError


class AsyncVectorcacheClient(
    ConfiguredClient[AsyncConnections, httpx.AsyncClient | httpx.AsyncBaseTransport]
):
    """Queries the cache; one client serves any number of tasks of an event loop.

    Example:
        >>> async with AsyncVectorcacheClient() as client:  # doctest: +SKIP
        ...     result = await client.query("What is machine learning?", model="gpt-4o")
        ...     print(result.response, result.cache_hit)
    """

    _awaits = True

    async def query(
        self,
        prompt: str,
        model: str | None = None,
        similarity_threshold: float | None = None,
        context: str | None = None,
        include_debug: bool = False,
        *,
        timeout: float | httpx.Timeout | NotGiven | None = NOT_GIVEN,
        deadline: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        extra_headers: Mapping[str, str] | None = None,
    ) -> VectorcacheResponse:
        """Answers a prompt, as ``VectorcacheClient.query`` does: see there."""
        question = (prompt, model, similarity_threshold, context, include_debug)
        call = self._call(*question, timeout, deadline, max_retries, extra_headers)
        try:
            return await self._answer(call)
        except call.stands_in_for as error:
            return call.stand_in(await aask(*call.fallback), error)

    async def _answer(self, call: Call) -> VectorcacheResponse:
        from anyio import sleep

        while True:
            try:
                sender = cast(Any, AsyncSender(call.attempt(), self._connections))
                reply = await api.asyncio_detailed(client=sender, body=call.body)
                return call.result(reply.parsed)
            except AttemptFailed as failed:
                failure = failed.failure
            except BaseException:
                call.dropped()
                raise
            await sleep(call.delay_after(failure))

    async def aclose(self) -> None:
        """Closes the connections; calls that are under way may still finish."""
        await self._connections.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _connect(self) -> AsyncConnections:
        given = self._http_client
        shared: httpx.AsyncBaseTransport | None
        match given:
            case httpx.AsyncClient():
                shared = AsyncBorrowedTransport(partial(given.send, **SEND_AS_IT_IS))
            case httpx.AsyncBaseTransport() if self._borrows:
                shared = AsyncBorrowedTransport(given.handle_async_request)
            case httpx.AsyncBaseTransport() | None:
                shared = given
            case _:
                raise ConfigurationError(
                    f"http_client is of type {type(given).__name__}: pass an httpx.AsyncClient"
                )
        network = Network(self._settings.base_url)
        return AsyncConnections(
            lambda: network.transport(httpx.AsyncHTTPTransport),
            self._settings.max_connections,
            shared,
            f"{type(self).__name__} {self._settings.base_url}",
        )
