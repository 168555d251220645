"""One batch of prompts: everything about it that can be decided without waiting.

``Batch`` decides which prompt is sent, which shares the query of an equal one, which result comes
next, and when the batch ends. ``query_many`` of each client takes prompts, sends and waits.
"""

from __future__ import annotations

import enum
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import attrs

from .._logging import logger
from .._query import Query
from .._response import VectorcacheResponse
from ..errors import InvalidRequestError
from .progress_bar import MakeBar, ProgressBar
from .prompts import prompt_fields
from .result import BatchProgress, BatchResult

# How many prompts are held for each query in progress. Finished results are among them, as they
# wait for an earlier prompt that is slow.
_HELD: Final = 4

# If none of so many prompts could be sent, a warning is logged.
_SUSPICIOUS: Final = 16

# Makes a checked query of a prompt's own fields, and of the batch's for those that it leaves out.
MakeQuery = Callable[[Mapping[str, Any]], Query]


class Step(enum.Enum):
    """What to do next."""

    PULL = "take another prompt from the input"
    WAIT = "wait until a query has ended"
    END = "end"


@attrs.frozen
class _Prompt:
    index: int
    id: Any
    prompt: Any
    input: Any


@attrs.define(eq=False)
class Job:
    """One query to send, for all equal prompts of the batch that come while it is in progress."""

    query: Query
    prompts: list[_Prompt]


class Batch:
    """The state of one batch.

    Args:
        make_query: makes a checked query of a prompt.
        concurrency: how many queries may be in progress at once.
        ordered: whether results are yielded in the order of the input.
        errors: whether a failed prompt yields its error, or ends the batch with it.
        total: how many prompts there are, if that is known.
        make_bar: makes the progress bar, or another object that is called for each finished prompt.
        prompt_column: the field of a mapping that has the prompt; then unknown fields are allowed.
    """

    def __init__(
        self,
        make_query: MakeQuery,
        *,
        concurrency: int,
        ordered: bool,
        errors: Literal["return", "raise"],
        total: int | None,
        make_bar: MakeBar | None,
        prompt_column: str | None = None,
    ) -> None:
        self._make_query = make_query
        self._concurrency = concurrency
        self._ordered = ordered
        self._raises = errors == "raise"
        self._total = total
        self._make_bar = make_bar
        self._prompt_column = prompt_column
        self._refused = 0
        self._first_refusal: InvalidRequestError | None = None
        self._bar: ProgressBar | None = None
        self._began = time.monotonic()
        self._taken = 0
        self._given = 0
        self._running: dict[Query, Job] = {}
        self._unfinished: set[int] = set()
        self._ready: dict[int, BatchResult] = {}
        self._order: deque[int] = deque()
        self._failed: BatchResult | None = None
        self._exhausted = False
        self._input_error: BaseException | None = None
        self._done = self._hits = self._failures = 0
        self._cost_saved = 0.0

    def begin(self) -> None:
        """Starts the batch, before its first prompt is taken."""
        self._began = time.monotonic()
        if self._make_bar is not None:
            self._bar = self._make_bar(self._total)

    def close(self) -> None:
        """Closes the progress bar. The batch is over, even if prompts are left."""
        if self._bar is not None:
            self._bar.close()

    def add(self, given: object) -> Job | None:
        """Takes a prompt of the input; returns the query to send for it, if there is one.

        Raises:
            InvalidRequestError: the first prompt shows that the whole input is wrong: it does not
                have the form of a prompt, or no model is set.
        """
        index = self._taken
        self._taken += 1
        prompt = _Prompt(index, index, given, given)
        if isinstance(given, Mapping):
            text = given.get(self._prompt_column or "prompt")
            prompt = _Prompt(index, given.get("id", index), text, given)
        try:
            fields = prompt_fields(given, self._prompt_column)
        except InvalidRequestError as error:
            if index == 0:
                raise
            self._refuse(prompt, error)
            return None
        try:
            query = self._make_query(fields)
        except InvalidRequestError as error:
            if index == 0 and isinstance(given, str) and self._refuses_any():
                raise
            self._refuse(prompt, error)
            return None
        self._unfinished.add(index)
        job = self._running.get(query)
        if job is not None:
            job.prompts.append(prompt)
            return None
        job = self._running[query] = Job(query, [prompt])
        return job

    def _refuse(self, prompt: _Prompt, error: InvalidRequestError) -> None:
        self._refused += 1
        self._first_refusal = self._first_refusal or error
        if self._refused == _SUSPICIOUS:
            self._warn_if_nothing_was_sent()
        self._finish(prompt, None, error)

    def _refuses_any(self) -> bool:
        try:
            self._make_query({"prompt": "any"})
        except InvalidRequestError:
            return True
        return False

    def _warn_if_nothing_was_sent(self) -> None:
        if 0 < self._refused == self._taken:
            logger.warning(
                "no prompt of a batch could be sent so far; refused: %d, the first with: %s",
                self._refused,
                self._first_refusal,
            )

    def exhausted(self, error: BaseException | None = None) -> None:
        """Notes the end of the input, or its ``error``, which is raised after all results."""
        self._exhausted = True
        self._input_error = error
        if self._refused < _SUSPICIOUS:
            self._warn_if_nothing_was_sent()

    def finished(
        self, job: Job, result: VectorcacheResponse | None, error: Exception | None
    ) -> None:
        """Notes that a query has ended, with an answer or an error."""
        del self._running[job.query]
        for prompt in job.prompts:
            self._unfinished.discard(prompt.index)
            self._finish(prompt, result, error)

    def _finish(
        self, prompt: _Prompt, result: VectorcacheResponse | None, error: Exception | None
    ) -> None:
        item = BatchResult(
            prompt.index, prompt.id, prompt.prompt, result, error, input=prompt.input
        )
        self._done += 1
        if result is not None:
            self._hits += result.cache_hit
            self._cost_saved += result.cost_saved
        else:
            self._failures += 1
        if error is not None and self._raises:
            if self._failed is None or item.index < self._failed.index:
                self._failed = item
        else:
            self._ready[item.index] = item
            if not self._ordered:
                self._order.append(item.index)
        if self._bar is not None:
            elapsed = time.monotonic() - self._began
            self._bar(
                BatchProgress(
                    self._done, self._total, self._hits, self._failures, self._cost_saved, elapsed
                )
            )

    @property
    def has_room(self) -> bool:
        """Whether another prompt may be taken."""
        held = self._taken - self._given
        return (
            not self._exhausted
            and self._failed is None
            and len(self._running) < self._concurrency
            and held < _HELD * self._concurrency
        )

    def next_result(self) -> BatchResult | None:
        """Returns the next result to yield; None if no result is ready."""
        if not self._ready:
            return None
        if not self._ordered:
            index = self._order.popleft()
        elif self._given in self._ready:
            index = self._given
        elif self._ends_early:
            index = min(self._ready)  # The prompts in between were cancelled, or have failed.
        else:
            return None
        self._given += 1
        return self._ready.pop(index)

    @property
    def _ends_early(self) -> bool:
        """Whether a failed prompt ends the batch now.

        In an ordered batch, the results of earlier prompts come first.
        """
        if self._failed is None:
            return False
        return not self._ordered or all(i > self._failed.index for i in self._unfinished)

    def next_step(self) -> Step:
        """Returns the next step of a batch that has no result to yield now.

        Raises:
            Exception: the error of a prompt, if errors are raised; or the error of the input.
        """
        if self._ends_early:
            assert self._failed is not None
            error = self._failed.error
            assert error is not None
            error.add_note(f"in a batch, at the prompt with index {self._failed.index}")
            raise error
        if self.has_room:
            return Step.PULL
        if self._running:
            return Step.WAIT
        if self._input_error is not None:
            raise self._input_error
        return Step.END
