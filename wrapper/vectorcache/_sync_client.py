"""The client for threads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Self, cast

import httpx

from . import _generated as api
from ._call import Call
from ._client import NOT_GIVEN, ConfiguredClient, NotGiven
from ._connections import Connections
from ._failure import AttemptFailed
from ._llm import ask
from ._network import SEND_AS_IT_IS, BorrowedTransport, Network
from ._response import VectorcacheResponse
from ._sending import Sender
from .errors import ConfigurationError


class VectorcacheClient(ConfiguredClient[Connections, httpx.Client | httpx.BaseTransport]):
    """Queries the cache; one client serves any number of threads.

    Example:
        >>> with VectorcacheClient() as client:  # doctest: +SKIP
        ...     result = client.query("What is machine learning?", model="gpt-4o")
        ...     print(result.response, result.cache_hit)
    """

    _awaits = False

    def query(
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
        """Answers a prompt: from the cache, or by the LLM that the service then asks.

        Args:
            prompt: the question, at most 32,000 characters.
            model: the LLM to ask on a miss, such as ``"gpt-4o"``; answers of other models are
                not found. By default the client's.
            similarity_threshold: cosine similarity, 0 to 1, from which on an earlier prompt
                counts as the same. By default the client's, 0.85.
            context: the part of the cache to look in; the same prompt in two contexts is two
                entries. By default the client's; ``""`` for none.
            include_debug: whether to bring timings along, in ``debug``.
            timeout: seconds one attempt may take. By default the client's.
            deadline: seconds the whole call may take. By default the client's.
            max_retries: how many attempts may follow the first. By default the client's.
            extra_headers: headers for this call's requests.

        Returns:
            The answer, with ``cache_hit``, ``similarity_score``, ``cost_saved`` (US dollars).

        Raises:
            InvalidRequestError: an argument is at fault, or ``before_send`` refused the query;
                nothing was sent.
            ConfigurationError: the client is closed.
            APITimeoutError: it took too long.
            APIConnectionError: no answer came, or not all of it.
            CircuitOpenError: the circuit breaker is open.
            APIResponseError: the answer is not what the service promises.
            APIStatusError: the service refused or failed; see ``vectorcache.errors`` for the
                class of each status.

        Errors of ``fallback_on`` are raised only where there is no ``fallback``; what a fallback
        or ``before_send`` raises reaches the caller as it is.
        """
        question = (prompt, model, similarity_threshold, context, include_debug)
        call = self._call(*question, timeout, deadline, max_retries, extra_headers)
        try:
            return self._answer(call)
        except call.stands_in_for as error:
            return call.stand_in(ask(*call.fallback), error)

    def _answer(self, call: Call) -> VectorcacheResponse:
        while True:
            try:
                sender = cast(Any, Sender(call.attempt(), self._connections))
                return call.result(api.sync_detailed(client=sender, body=call.body).parsed)
            except AttemptFailed as failed:
                failure = failed.failure
            except BaseException:
                call.dropped()
                raise
            time.sleep(call.delay_after(failure))

    def close(self) -> None:
        """Closes the connections; calls that are under way may still finish."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> Connections:
        given = self._http_client
        shared: httpx.BaseTransport | None
        match given:
            case httpx.Client():
                shared = BorrowedTransport(partial(given.send, **SEND_AS_IT_IS))
            case httpx.BaseTransport() if self._borrows:
                shared = BorrowedTransport(given.handle_request)
            case httpx.BaseTransport() | None:
                shared = given
            case _:
                raise ConfigurationError(
                    f"http_client is of type {type(given).__name__}: pass an httpx.Client"
                )
        network = Network(self._settings.base_url)
        return Connections(
            lambda: network.transport(httpx.HTTPTransport),
            self._settings.max_connections,
            shared,
            f"{type(self).__name__} {self._settings.base_url}",
        )
