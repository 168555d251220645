"""One run: which queries to make next, what it has cost so far, and the report at its end."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from .._arguments import check_context, check_count
from .._batch.result import BatchResult
from ..errors import (
    OUTAGE_ERRORS,
    PERMANENT_ERRORS,
    APIResponseError,
    CircuitOpenError,
    ConfigurationError,
    InvalidRequestError,
)
from .cache_context import ALWAYS_HITS, PlannedQuery
from .estimate import TuningEstimate
from .exploration import Exploration
from .findings import FailedPrompt
from .questions import Label, Questions, check_share
from .report import TuningReport

_log = logging.getLogger("vectorcache.tuning")

# An open circuit stays open for longer than the rest of a run, and a closed client stays closed.
_FATAL: Final = (*PERMANENT_ERRORS, CircuitOpenError, ConfigurationError)
_MOST_FAILURES_IN_A_ROW: Final = 5


@attrs.frozen
class TuningProgress:
    """How far a run has come; the ``progress`` callback gets it after each prompt.

    Attributes:
        done: how many prompts were tried, including those that failed.
        total: how many prompts there are.
        failed: how many prompts failed.
        calls: how many queries were made so far.
        llm_calls: how many of the queries were misses, for which the service pays an LLM.
    """

    done: int
    total: int
    failed: int
    calls: int
    llm_calls: int


Progress = Callable[[TuningProgress], object]


@attrs.frozen(kw_only=True)
class Options:
    """The options of a run; ``tune`` describes them."""

    labels: Sequence[Label] | None
    thresholds: Iterable[float]
    precision: float
    max_calls: int | None
    max_llm_calls: int | None
    context_prefix: str
    progress: Progress | None


class Run:
    """The pass over the prompts, which counts calls and stops when a limit is reached."""

    def __init__(
        self, prompts: Iterable[str | Mapping[str, Any]], options: Options, usual: float
    ) -> None:
        """Checks all arguments; nothing is sent yet.

        Args:
            prompts: the prompts to try.
            options: how to try them.
            usual: the threshold that the client uses now.

        Raises:
            InvalidRequestError: an argument is invalid.
        """
        self._questions = Questions.checked(prompts, options.labels, options.thresholds)
        precision = check_share("precision", options.precision)
        self._options = attrs.evolve(options, precision=precision)
        self._usual = usual
        self._estimate = TuningEstimate.from_questions(self._questions)
        for name in ("max_calls", "max_llm_calls"):
            if getattr(options, name) is not None:
                check_count(name, getattr(options, name), InvalidRequestError, least=1)
        if not check_context(options.context_prefix, InvalidRequestError).strip():
            raise InvalidRequestError("context_prefix is blank: pass a name such as 'tuning'")
        self._calls = self._llm_calls = self._failed_calls = 0
        self._failed_in_a_row = 0
        self._stopped: Exception | None = None
        # The random part keeps the entries of this run apart from all others in the cache.
        self._context = f"{options.context_prefix}-{secrets.token_hex(6)}"
        self._exploration = Exploration(
            self._questions.prompts, self._questions.thresholds, self._context
        )
        self._steps = self._exploration.run()
        _log.info(
            "tuning %d prompts at %d thresholds takes at most %d calls, at most %d of them paid",
            self._estimate.prompts,
            len(self._estimate.thresholds),
            self._estimate.calls_at_most,
            self._estimate.llm_calls_at_most,
        )

    def begin(self) -> Sequence[PlannedQuery]:
        """Returns the first queries, which may be made at the same time."""
        return self._next(lambda: next(self._steps))

    def take(self, results: Sequence[BatchResult]) -> Sequence[PlannedQuery]:
        """Returns the queries to make after these results; the run is over if there are none."""
        for result in results:
            self._count(result)
        if self._stopped is not None:
            return ()
        return self._next(lambda: self._steps.send(results))

    def report(self) -> TuningReport:
        """Returns the report of the run.

        Raises:
            VectorcacheError: no query was answered. The error is the one that stopped the run, or
                that of the first prompt.
        """
        exploration = self._exploration
        if self._calls == self._failed_calls:
            # An exception of the user's before_send or fallback is raised as well, unchanged.
            raise self._stopped or next(iter(exploration.failures.values()))
        prompts = self._questions.prompts
        return TuningReport.from_exploration(
            exploration,
            self._questions,
            failed=tuple(
                FailedPrompt(index, prompts[index], type(error).__name__, str(error))
                for index, error in sorted(exploration.failures.items())
            ),
            stopped=None if self._stopped is None else str(self._stopped),
            context=self._context,
            calls=self._calls,
            llm_calls=self._llm_calls,
            failed_calls=self._failed_calls,
            wanted_precision=self._options.precision,
            usual=self._usual,
        )

    def _next(self, step: Callable[[], Sequence[PlannedQuery]]) -> Sequence[PlannedQuery]:
        done = self._exploration.done
        try:
            queries = step()
        except StopIteration:
            queries = ()
        if self._options.progress is not None and self._exploration.done != done:
            self._options.progress(
                TuningProgress(
                    self._exploration.done,
                    self._estimate.prompts,
                    len(self._exploration.failures),
                    self._calls,
                    self._llm_calls,
                )
            )
        self._stopped = self._over_budget(queries)
        return () if self._stopped else queries

    def _count(self, result: BatchResult) -> None:
        self._calls += 1
        error = result.error
        if result.result is not None:
            error = result.result.meta.error  # The fallback answered, so the query failed.
        if error is None:
            assert result.result is not None
            self._llm_calls += not result.result.cache_hit
            self._failed_in_a_row = 0
            return
        self._failed_calls += 1
        self._failed_in_a_row += isinstance(error, OUTAGE_ERRORS)
        if isinstance(error, _FATAL) or self._failed_in_a_row == _MOST_FAILURES_IN_A_ROW:
            self._stopped = error

    def _over_budget(self, queries: Sequence[PlannedQuery]) -> Exception | None:
        calls = self._calls + len(queries)
        maximum = self._options.max_calls
        if maximum is not None and calls > maximum:
            return InvalidRequestError(
                f"max_calls={maximum} is used up: allow more calls, or pass fewer prompts or "
                "thresholds"
            )
        maximum = self._options.max_llm_calls
        # A query that is not certain to be a hit may be paid for, and so may a failed one.
        paid = sum(query.similarity_threshold > ALWAYS_HITS for query in queries)
        if maximum is not None and paid and self._llm_calls + self._failed_calls + paid > maximum:
            return InvalidRequestError(
                f"max_llm_calls={maximum} is used up: allow more calls, or pass fewer prompts"
            )
        if calls > self._estimate.calls_at_most + self._failed_calls:
            return APIResponseError(
                "the run took more calls than it can need: the service stores prompts that it "
                "should only compare, or compares them differently each time"
            )
        return None
