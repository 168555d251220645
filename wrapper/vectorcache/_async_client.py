"""The client for event loops."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Hashable, Iterable, Mapping
from typing import Any, Literal, Self, cast

import httpx

from . import _generated as api
from ._batch.batch import Job
from ._batch.result import BatchResult, Progress, Prompt
from ._call.call import Call
from ._call.coalescing import Member, Outcome
from ._call.failure import AttemptFailed
from ._call.options import NOT_GIVEN, CallOptions, NotGiven
from ._client import ConfiguredClient
from ._llm import ask_async
from ._response import VectorcacheResponse
from ._transport.connections import AsyncConnections
from ._transport.loops import running_loop
from ._transport.own_client import AsyncOwnClient, wrong_client
from ._transport.sender import AsyncSender
from ._transport.transports import AsyncBorrowedTransport, Network
from .errors import VectorcacheError


class AsyncVectorcacheClient(
    ConfiguredClient[AsyncConnections, httpx.AsyncClient | httpx.AsyncBaseTransport]
):
    """A client of the cache; one client serves any number of tasks of an event loop.

    Examples:
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
        """Returns an answer to a prompt; ``VectorcacheClient.query`` describes the arguments."""
        query = self._query(prompt, model, similarity_threshold, context, include_debug)
        options = CallOptions.checked(self._settings, timeout, deadline, max_retries, extra_headers)
        call = self._call(query, options)
        key = (running_loop(), options.key, call.query) if self._settings.coalesce else None
        return await self._run(call, key)

    def query_many(
        self,
        prompts: Iterable[Prompt] | AsyncIterable[Prompt],
        *,
        model: str | None = None,
        similarity_threshold: float | None = None,
        context: str | None = None,
        include_debug: bool = False,
        concurrency: int = 16,
        ordered: bool = True,
        errors: Literal["return", "raise"] = "return",
        progress: Progress | None = None,
        total: int | None = None,
        prompt_column: str | None = None,
        timeout: float | httpx.Timeout | NotGiven | None = NOT_GIVEN,
        deadline: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        extra_headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[BatchResult, None]:
        """Answers many prompts; ``VectorcacheClient.query_many`` describes the arguments.

        The input may also be an async iterable. When a loop over the results is left early, the
        queries in progress are cancelled as soon as Python collects the iterator, at the latest
        when the event loop ends; ``contextlib.aclosing`` or ``aclose()`` cancels them at once.
        """
        from ._batch.tasks import run

        defaults = {
            "model": model,
            "similarity_threshold": similarity_threshold,
            "context": context,
            "include_debug": include_debug,
        }
        options = CallOptions.checked(self._settings, timeout, deadline, max_retries, extra_headers)
        batch = self._batch(
            prompts, defaults, concurrency, ordered, errors, progress, total, prompt_column
        )

        async def answer(job: Job) -> VectorcacheResponse:
            return await self._run(self._call(job.query, options, patient=True))

        return run(batch, prompts, answer)

    async def _run(self, call: Call, key: Hashable = None) -> VectorcacheResponse:
        with call:
            try:
                if key is not None:
                    return await self._answer_together(call, key)
                return await self._answer(call)
            except call.has_fallback_for as error:
                return call.fallback_result(await ask_async(*call.fallback), error)

    async def _answer_together(self, call: Call, key: Hashable) -> VectorcacheResponse:
        import anyio

        woken = anyio.Event()
        member: Member[Outcome] = Member(key, woken.set)
        coalescing = self._state.coalescing
        outcome: Outcome | None = None
        try:
            coalescing.join(member)
            while member.waits:
                with anyio.move_on_after(call.seconds_to_wait()):
                    await woken.wait()
            if member.outcome is not None:
                return call.result_of_equal(member.outcome)
            outcome = await self._answer(call)
            return outcome
        except VectorcacheError as error:
            outcome = call.outcome_for_all(error)
            raise
        finally:
            coalescing.leave(member, outcome)

    async def _answer(self, call: Call) -> VectorcacheResponse:
        from anyio import sleep

        while True:
            while wait := call.seconds_to_turn():  # noqa: ASYNC110 - a limit has no event
                await sleep(wait)
            try:
                sender = cast(Any, AsyncSender(call.attempt(), self._connections))
                reply = await api.asyncio_detailed(client=sender, body=call.body)
                return call.result(reply.parsed)
            except AttemptFailed as failed:
                failure = failed.failure
            await sleep(call.delay_after(failure))

    async def aclose(self) -> None:
        """Closes the connections. Calls in progress may still finish."""
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
                shared = AsyncOwnClient(given)
            case httpx.AsyncBaseTransport() if self._borrows:
                shared = AsyncBorrowedTransport(given.handle_async_request)
            case httpx.AsyncBaseTransport() | None:
                shared = given
            case _:
                raise wrong_client(given, "httpx.AsyncClient")
        network = Network(self._settings.base_url)
        return AsyncConnections(
            lambda: network.transport(httpx.AsyncHTTPTransport),
            self._settings.max_connections,
            shared,
            f"{type(self).__name__} {self._settings.base_url}",
        )
