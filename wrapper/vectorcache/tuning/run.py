"""One run: what to ask next, what it has come to so far, and the report at the end."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from .._arguments import check_context, check_count
from .._batch.result import BatchResult
from .._prospects import ENDS_ALL, OUTAGE
from ..errors import (
    APIResponseError,
    CircuitOpenError,
    ConfigurationError,
    InvalidRequestError,
)
from .cache_context import ALWAYS_HITS, Ask
from .estimate import TuningEstimate
from .exploration import Exploration
from .questions import Label, Questions, check_share
from .report import FailedPrompt, TuningReport

_log = logging.getLogger("vectorcache.tuning")

# An open circuit, too, outlasts what is left of a run; and a closed client stays closed.
_FATAL: Final = (*ENDS_ALL, CircuitOpenError, ConfigurationError)
_IN_A_ROW: Final = 5


@attrs.frozen
class TuningProgress:
    """How far a run is, as its ``progress`` callback sees it after each prompt.

    Attributes:
        done: prompts that were looked at, the failed ones among them.
        total: how many there are.
        failed: how many failed.
        calls: queries made so far.
        llm_calls: how many of them were misses, which the service pays an LLM for.
    """

    done: int
    total: int
    failed: int
    calls: int
    llm_calls: int


Progress = Callable[[TuningProgress], object]


@attrs.frozen(kw_only=True)
class Options:
    """What ``tune`` and ``atune`` take; see there."""

    labels: Sequence[Label] | None
    thresholds: Iterable[float]
    precision: float
    max_calls: int | None
    max_llm_calls: int | None
    context_prefix: str
    progress: Progress | None


class Run:
    """The pass over the prompts, and what it has taken so far."""

    def __init__(
        self, prompts: Iterable[str | Mapping[str, Any]], options: Options, usual: float
    ) -> None:
        """Checks everything; nothing is sent yet.

        Args:
            prompts: what to ask.
            options: how.
            usual: the threshold that the client uses now.

        Raises:
            InvalidRequestError: an argument is at fault.
        """
        self._questions = Questions.checked(prompts, options.labels, options.thresholds)
        precision = check_share("precision", options.precision)
        self._options = attrs.evolve(options, precision=precision)
        self._usual = usual
        self._estimate = TuningEstimate.of(self._questions)
        for name in ("max_calls", "max_llm_calls"):
            if getattr(options, name) is not None:
                check_count(name, getattr(options, name), InvalidRequestError, least=1)
        if not check_context(options.context_prefix, InvalidRequestError).strip():
            raise InvalidRequestError("context_prefix is blank: pass a name such as 'tuning'")
        self._calls = self._llm_calls = self._failed_calls = 0
        self._failed_in_a_row = 0
        self._stopped: Exception | None = None
        # Nobody else's entries are found in it, nor these by anybody else.
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

    def begin(self) -> Sequence[Ask]:
        """The first queries to make, at the same time."""
        return self._next(lambda: next(self._steps))

    def take(self, results: Sequence[BatchResult]) -> Sequence[Ask]:
        """The queries to make after these; none when all is known."""
        for result in results:
            self._count(result)
        if self._stopped is not None:
            return ()
        return self._next(lambda: self._steps.send(results))

    def report(self) -> TuningReport:
        """What the run found.

        Raises:
            VectorcacheError: no query was answered; this is what the first prompt failed with, or
                what stopped the run.
        """
        exploration = self._exploration
        if self._calls == self._failed_calls:
            # What before_send or a fallback raised comes as it is.
            raise self._stopped or next(iter(exploration.failures.values()))
        prompts = self._questions.prompts
        return TuningReport.of(
            self._questions,
            exploration,
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

    def _next(self, step: Callable[[], Sequence[Ask]]) -> Sequence[Ask]:
        done = self._exploration.done
        try:
            asks = step()
        except StopIteration:
            asks = ()
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
        self._stopped = self._over_budget(asks)
        return () if self._stopped else asks

    def _count(self, result: BatchResult) -> None:
        self._calls += 1
        error = result.error
        if result.result is not None:
            error = result.result.meta.error  # Where a fallback has answered.
        if error is None:
            assert result.result is not None
            self._llm_calls += not result.result.cache_hit
            self._failed_in_a_row = 0
            return
        self._failed_calls += 1
        self._failed_in_a_row += isinstance(error, OUTAGE)
        if isinstance(error, _FATAL) or self._failed_in_a_row == _IN_A_ROW:
            self._stopped = error

    def _over_budget(self, asks: Sequence[Ask]) -> Exception | None:
        calls = self._calls + len(asks)
        maximum = self._options.max_calls
        if maximum is not None and calls > maximum:
            return InvalidRequestError(
                f"max_calls={maximum} is used up: allow more, or try fewer prompts or thresholds"
            )
        maximum = self._options.max_llm_calls
        # Whatever is not certain to be a hit may be paid for, and so may what failed.
        paid = sum(ask.similarity_threshold > ALWAYS_HITS for ask in asks)
        if maximum is not None and paid and self._llm_calls + self._failed_calls + paid > maximum:
            return InvalidRequestError(
                f"max_llm_calls={maximum} is used up: allow more, or try fewer prompts"
            )
        if calls > self._estimate.calls_at_most + self._failed_calls:
            return APIResponseError(
                "the service took more calls than it can need: it stores prompts that it should "
                "compare, or compares them differently each time"
            )
        return None
