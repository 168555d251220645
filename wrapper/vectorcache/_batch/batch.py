"""Many prompts, a few at a time: everything about a batch that can be decided without waiting.

``query_many`` of either client only takes prompts, sends and waits, as ``Batch`` says: which
prompt is sent, which goes along with an equal one, what is given out next and when it ends.
"""

from __future__ import annotations

import enum
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

import attrs

from .._arguments import check_count
from .._logging import logger
from .._query import Query
from .._response import VectorcacheResponse
from ..errors import InvalidRequestError
from .progress_bar import MakeBar, ProgressBar
from .result import BatchProgress, BatchResult

# How many prompts are held for each query under way: what is finished waits there for its turn,
# and behind it for an earlier one that is slow.
_HELD: Final = 4

# After so many prompts of which none could be sent, the log says so.
_SUSPICIOUS: Final = 16

_FIELDS: Final = frozenset(
    {"prompt", "id", "model", "similarity_threshold", "context", "include_debug"}
)

# A prompt's own fields, with the batch's for those that it leaves out, as a checked query.
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
    """One query to be sent, for all prompts of the batch that ask the same meanwhile."""

    query: Query
    prompts: list[_Prompt]


class Batch:
    """The state of one batch.

    Args:
        make_query: checks a prompt.
        concurrency: how many queries may be under way at once.
        ordered: whether results are given out in the input's order.
        errors: whether a failed prompt yields its error, or ends the batch with it.
        total: how many prompts there are, if that is known.
        make_bar: makes what is told of each prompt that is finished.
        prompt_column: the field of a mapping that has the prompt; then other fields are allowed.
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
        """The batch is about to take its first prompt."""
        self._began = time.monotonic()
        if self._make_bar is not None:
            self._bar = self._make_bar(self._total)

    def close(self) -> None:
        """The batch is over, whether or not it came to its end."""
        if self._bar is not None:
            self._bar.close()

    def add(self, given: object) -> Job | None:
        """Takes a prompt from the input; returns a query that is to be sent for it, if any.

        Raises:
            InvalidRequestError: the first prompt shows that the input is not what it was taken for:
                it does not have the form of a prompt, or no model is set.
        """
        index = self._taken
        self._taken += 1
        prompt = _Prompt(index, index, given, given)
        if isinstance(given, Mapping):
            text = given.get(self._prompt_column or "prompt")
            prompt = _Prompt(index, given.get("id", index), text, given)
        try:
            fields = _fields(given, self._prompt_column)
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
        """The input has ended, or failed with ``error``, which is raised when all else is done."""
        self._exhausted = True
        self._input_error = error
        if self._refused < _SUSPICIOUS:
            self._warn_if_nothing_was_sent()

    def finished(
        self, job: Job, result: VectorcacheResponse | None, error: Exception | None
    ) -> None:
        """A query has ended, with an answer or an error."""
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
        """The next result to give out, if there is one yet."""
        if not self._ready:
            return None
        if not self._ordered:
            index = self._order.popleft()
        elif self._given in self._ready:
            index = self._given
        elif self._ends_early:
            index = min(self._ready)  # Those between were cancelled, or have failed.
        else:
            return None
        self._given += 1
        return self._ready.pop(index)

    @property
    def _ends_early(self) -> bool:
        """Whether a prompt has failed, and none before it, as far as order matters, may yet end."""
        if self._failed is None:
            return False
        return not self._ordered or all(i > self._failed.index for i in self._unfinished)

    def next_step(self) -> Step:
        """What to do, once there is no result to give out.

        Raises:
            Exception: a prompt's, where errors are raised; or the input's own.
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


def _fields(given: object, prompt_column: str | None) -> Mapping[str, Any]:
    if isinstance(given, str):
        return {"prompt": given}
    if not isinstance(given, Mapping):
        raise InvalidRequestError(
            f"a prompt of the batch is of type {type(given).__name__}: give a string, or a "
            "mapping with a prompt"
        )
    if prompt_column is not None:
        return _fields_of_row(given, prompt_column)
    unknown = [name for name in given if name not in _FIELDS]
    if unknown:
        column = "prompt" if "prompt" in given else unknown[-1]
        raise InvalidRequestError(
            f"a prompt of the batch has fields that no query has: {', '.join(map(repr, unknown))}; "
            f"it may have {', '.join(sorted(_FIELDS))}. For rows of a table, name the column that "
            f"has the prompts, such as prompt_column={column!r}: then other columns are allowed, "
            "and come back in each result's input"
        )
    if "prompt" not in given:
        raise InvalidRequestError("a prompt of the batch is a mapping without the field prompt")
    return given


def _fields_of_row(row: Mapping[str, Any], prompt_column: str) -> Mapping[str, Any]:
    if prompt_column not in row:
        raise InvalidRequestError(
            f"prompt_column names {prompt_column!r}, and a row of the batch has no such column: it "
            f"has {', '.join(map(repr, row)) or 'none'}"
        )
    # A CSV file has "" where a row has no value of its own.
    own = {name: row[name] for name in _FIELDS if name in row and row[name] != ""}
    return {**own, "prompt": row[prompt_column]}


def check_batch(
    prompts: object,
    concurrency: object,
    errors: object,
    total: object,
    prompt_column: object = None,
    *,
    awaits: bool,
) -> None:
    """Looks at a batch's arguments before anything is sent.

    Raises:
        InvalidRequestError: one of them is at fault.
    """
    refuse = InvalidRequestError
    check_count("concurrency", concurrency, refuse, least=1)
    if errors not in ("return", "raise"):
        raise refuse(f'errors is {errors!r}: it is "return" or "raise"')
    if total is not None:
        check_count("total", total, refuse, least=0)
    if prompt_column is not None and not isinstance(prompt_column, str):
        raise refuse(
            f"prompt_column is of type {type(prompt_column).__name__}: give the name of a column"
        )
    if isinstance(prompts, str | bytes | Mapping):
        raise refuse(
            f"prompts is one {type(prompts).__name__}: give a list, or any iterable, of prompts"
        )
    if hasattr(prompts, "__aiter__"):
        if not awaits:
            raise refuse("prompts is an async iterable: use AsyncVectorcacheClient for that")
    elif not isinstance(prompts, Iterable):
        raise refuse(f"prompts is of type {type(prompts).__name__}, which cannot be iterated over")
