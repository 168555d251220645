"""The client for threads."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping
from functools import partial
from typing import Any, Literal, Self, cast

import httpx

from . import _generated as api
from ._batch.batch import Job
from ._batch.result import BatchResult, Progress, Prompt
from ._batch.threads import Worker, Workers, run
from ._call.call import Call
from ._call.coalescing import Member, Outcome
from ._call.failure import AttemptFailed
from ._call.options import NOT_GIVEN, CallOptions, NotGiven
from ._client import ConfiguredClient
from ._llm import ask
from ._response import VectorcacheResponse
from ._transport.connections import Connections
from ._transport.own_client import OwnClient, wrong_client
from ._transport.sender import Sender
from ._transport.transports import BorrowedTransport, Network
from .errors import VectorcacheError


class VectorcacheClient(ConfiguredClient[Connections, httpx.Client | httpx.BaseTransport]):
    """A client of the cache; one client serves any number of threads.

    Examples:
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
        """Returns an answer to a prompt, from the cache or from the LLM that the service then asks.

        Args:
            prompt: the question, at most 32,000 characters.
            model: the LLM to ask on a miss, such as ``"gpt-4o"``; answers of other models are
                not found. By default the client's.
            similarity_threshold: the cosine similarity, 0 to 1, from which an earlier prompt
                counts as the same. By default the client's, 0.85.
            context: the part of the cache to search; the same prompt in two contexts is two
                entries. By default the client's; ``""`` for no context.
            include_debug: whether the answer has timings, in ``debug``.
            timeout: seconds one attempt may take. By default the client's.
            deadline: seconds the whole call may take. By default the client's.
            max_retries: how many attempts may follow the first. By default the client's.
            extra_headers: headers for this call's requests.

        Returns:
            The answer, with ``cache_hit``, ``similarity_score``, ``cost_saved`` (US dollars).

        Raises:
            InvalidRequestError: an argument is invalid, or ``before_send`` refused the query;
                nothing was sent.
            ConfigurationError: the client is closed.
            APITimeoutError: the call took too long.
            APIConnectionError: no answer, or only a part of one, arrived.
            CircuitOpenError: the circuit breaker is open.
            APIResponseError: the answer is not what the service promises.
            APIStatusError: the service refused or failed; see ``vectorcache.errors`` for the
                class of each status.

        Errors of ``fallback_on`` are raised only if there is no ``fallback``. What a fallback or
        ``before_send`` raises reaches the caller unchanged.
        """
        query = self._query(prompt, model, similarity_threshold, context, include_debug)
        options = CallOptions.checked(self._settings, timeout, deadline, max_retries, extra_headers)
        call = self._call(query, options)
        key = (options.key, call.query) if self._settings.coalesce else None
        return self._run(call, time.sleep, key)

    def query_many(
        self,
        prompts: Iterable[Prompt],
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
    ) -> Generator[BatchResult, None, None]:
        """Answers many prompts, several at a time.

        Prompts are taken from the input as they are needed, and at most ``4 * concurrency`` of
        them are held, however long the input is. Equal prompts that are in progress at the same
        time are sent once. Leaving the loop early, or calling ``close()`` on the iterator, cancels
        the queries in progress; the client stays usable.

        Args:
            prompts: strings; or mappings with ``"prompt"`` and, optionally, ``"model"``,
                ``"similarity_threshold"``, ``"context"``, ``"include_debug"``, and ``"id"``, which
                is returned with the result.
            model: the LLM for prompts without their own; by default the client's.
            similarity_threshold: the threshold for prompts without their own; by default the
                client's.
            context: the context for prompts without their own; by default the client's.
            include_debug: whether answers have timings, for prompts that do not say so themselves.
            concurrency: how many queries may be in progress at once, at most the client's
                ``max_connections``.
            ordered: whether results come in the order of the input, or as they finish.
            errors: with ``"return"``, a failed prompt yields its error as its result; with
                ``"raise"``, the first failed prompt ends the batch with its error, after all
                finished results have been yielded.
            progress: a function that is called for each finished prompt; or ``"rich"`` or
                ``"tqdm"`` for a progress bar on standard error.
            total: how many prompts there are, for ``progress``; by default their ``len()``.
            prompt_column: for rows of a table, such as those of a ``csv.DictReader``: the column
                that has the prompts. Columns that a query does not know are then allowed, and are
                returned in the ``input`` of each result. By default the field is ``"prompt"``, and
                unknown fields are refused.
            timeout: seconds one attempt may take, for each query.
            deadline: seconds each query may take. Waiting for the client's rate limit is not
                counted, as a batch normally does so.
            max_retries: how many attempts may follow each query's first.
            extra_headers: headers for each query's requests.

        Yields:
            One ``BatchResult`` for each prompt.

        Raises:
            InvalidRequestError: an argument is invalid; or the first prompt is neither a string nor
                a mapping, has no prompt, has unknown fields or has no model, which shows that the
                whole input is wrong. An error in a later prompt is the result of that prompt.
            ConfigurationError: the client is closed, or the library of the progress bar is not
                installed.
        """
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

        def answer(job: Job, worker: Worker) -> VectorcacheResponse:
            call = worker.begin(self._call(job.query, options, patient=True))
            return self._run(call, worker.sleep)

        return run(batch, iter(prompts), Workers(answer, self._stop))

    def _stop(self, call: Call) -> None:
        attempt = call.stop()
        if attempt is not None:
            self._connections.end(attempt)

    def _run(
        self, call: Call, sleep: Callable[[float], object], key: Hashable = None
    ) -> VectorcacheResponse:
        with call:
            try:
                if key is not None:
                    return self._answer_together(call, sleep, key)
                return self._answer(call, sleep)
            except call.has_fallback_for as error:
                return call.fallback_result(ask(*call.fallback), error)

    def _answer_together(
        self, call: Call, sleep: Callable[[float], object], key: Hashable
    ) -> VectorcacheResponse:
        # A queue is used, as Ctrl-C inside an Event may leave it locked.
        woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        member: Member[Outcome] = Member(key, partial(woken.put, None))
        coalescing = self._state.coalescing
        outcome: Outcome | None = None
        try:
            coalescing.join(member)
            while member.waits:
                with contextlib.suppress(queue.Empty):
                    woken.get(timeout=call.seconds_to_wait())
            if member.outcome is not None:
                return call.result_of_equal(member.outcome)
            outcome = self._answer(call, sleep)
            return outcome
        except VectorcacheError as error:
            outcome = call.outcome_for_all(error)
            raise
        finally:
            try:
                coalescing.leave(member, outcome)
            except BaseException:
                coalescing.leave(member, outcome)  # Ctrl-C interrupted the first one.
                raise

    def _answer(self, call: Call, sleep: Callable[[float], object]) -> VectorcacheResponse:
        while True:
            while wait := call.seconds_to_turn():
                sleep(wait)
            try:
                sender = cast(Any, Sender(call.attempt(), self._connections))
                return call.result(api.sync_detailed(client=sender, body=call.body).parsed)
            except AttemptFailed as failed:
                failure = failed.failure
            sleep(call.delay_after(failure))

    def close(self) -> None:
        """Closes the connections. Calls in progress may still finish."""
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
                shared = OwnClient(given)
            case httpx.BaseTransport() if self._borrows:
                shared = BorrowedTransport(given.handle_request)
            case httpx.BaseTransport() | None:
                shared = given
            case _:
                raise wrong_client(given, "httpx.Client")
        network = Network(self._settings.base_url)
        return Connections(
            lambda: network.transport(httpx.HTTPTransport),
            self._settings.max_connections,
            shared,
            f"{type(self).__name__} {self._settings.base_url}",
        )
