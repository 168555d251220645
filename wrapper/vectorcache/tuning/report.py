"""What a run found: in figures, as JSON, as a table, and as a page."""

from __future__ import annotations

import json
from typing import Any, Final

import attrs

from .exploration import Exploration
from .matches import Pair
from .questions import Questions, check_share
from .recommendation import Recommendation, recommend
from .results import ThresholdResult, closest_pairs, nearest, pairs_of, result_at

_DOUBTFUL: Final = 20


@attrs.frozen
class FailedPrompt:
    """A prompt that could not be decided, and counts nowhere.

    Attributes:
        index: its place among the prompts, from 0.
        prompt: what was asked.
        error_type: the name of the error's class.
        error: its message.
    """

    index: int
    prompt: str
    error_type: str
    error: str

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-serialisable values."""
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class TuningReport:
    """What each threshold would have come to.

    Attributes:
        prompts: how many prompts were decided, which are those that count.
        failed: those that could not be decided.
        not_asked: how many prompts are left, as the run has stopped.
        stopped: why it has stopped; None if it came to its end.
        labelled: whether labels said which prompts mean the same.
        calls: queries made.
        llm_calls: how many of them were misses, which the service paid an LLM for.
        failed_calls: how many of them failed.
        context: what the names of the contexts begin with that now hold the answers.
        thresholds: what each threshold came to, lowest first.
        wanted_precision: the least share of hits that should be right, 0 to 1.
        usual: the threshold that the client uses now.
        floor: cosine similarity below which scores were not looked for.
        pairs: all pairs of prompts whose score is known, highest first.
        unpriced: hits of which nobody could say what they save, and which count as $0.
    """

    prompts: int
    failed: tuple[FailedPrompt, ...]
    not_asked: int
    stopped: str | None
    labelled: bool
    calls: int
    llm_calls: int
    failed_calls: int
    context: str
    thresholds: tuple[ThresholdResult, ...]
    wanted_precision: float
    usual: float
    floor: float
    pairs: tuple[Pair, ...] = attrs.field(repr=False)
    unpriced: int

    @classmethod
    def of(
        cls,
        questions: Questions,
        exploration: Exploration,
        *,
        failed: tuple[FailedPrompt, ...],
        stopped: str | None,
        context: str,
        calls: int,
        llm_calls: int,
        failed_calls: int,
        wanted_precision: float,
        usual: float,
    ) -> TuningReport:
        """The report on an exploration that is over."""
        pairs = pairs_of(questions, exploration.scores)
        decided = exploration.matches
        return cls(
            prompts=len(decided),
            failed=failed,
            not_asked=len(questions.prompts) - len(decided) - len(failed),
            stopped=stopped,
            labelled=questions.labels is not None,
            calls=calls,
            llm_calls=llm_calls,
            failed_calls=failed_calls,
            context=context,
            thresholds=tuple(
                result_at(
                    questions,
                    threshold,
                    {index: matches[at] for index, matches in decided.items()},
                    pairs,
                )
                for at, threshold in enumerate(questions.thresholds)
            ),
            wanted_precision=wanted_precision,
            usual=usual,
            floor=exploration.floor,
            pairs=pairs,
            unpriced=sum(
                match is not None and match.cost_saved is None
                for matches in decided.values()
                for match in matches
            ),
        )

    def best_for(self, precision: float) -> Recommendation:
        """The best of the thresholds tried for a wanted precision; see ``Recommendation``.

        Args:
            precision: the least share of hits that should be right, 0 to 1.

        Raises:
            InvalidRequestError: ``precision`` is no such number.
        """
        wanted = check_share("precision", precision)
        return recommend(self.thresholds, wanted, labelled=self.labelled)

    @property
    def recommendation(self) -> Recommendation:
        """The best threshold for the precision that ``tune`` was given."""
        return self.best_for(self.wanted_precision)

    @property
    def around(self) -> float:
        """The threshold around which doubtful pairs are looked for.

        The recommended one; else the one tried that is nearest to the client's own.
        """
        recommended = self.recommendation.threshold
        if recommended is not None:
            return recommended
        tried = (result.threshold for result in self.thresholds)
        return min(tried, key=lambda threshold: abs(threshold - self.usual))

    @property
    def doubtful(self) -> tuple[Pair, ...]:
        """The twenty pairs whose scores are closest to ``around``, closest first."""
        return nearest(self.pairs, self.around, _DOUBTFUL)

    @property
    def closest(self) -> tuple[Pair, ...]:
        """Each prompt's pair with the highest score, in the order of the prompts.

        Prompts of which no score is known are left out: nothing before them scored ``floor`` or
        more, or they were the first.
        """
        return closest_pairs(self.pairs)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know before believing the figures; empty if there is nothing."""
        from .wording import notes

        return notes(self)

    @property
    def calls_one_by_one(self) -> int:
        """Queries that trying each threshold by itself would have taken."""
        return self.prompts * len(self.thresholds)

    @property
    def llm_calls_one_by_one(self) -> int:
        """How many of those would have been misses."""
        return sum(result.misses for result in self.thresholds)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-serialisable values."""
        return {
            "prompts": self.prompts,
            "failed": [failed.to_dict() for failed in self.failed],
            "not_asked": self.not_asked,
            "stopped": self.stopped,
            "labelled": self.labelled,
            "calls": self.calls,
            "llm_calls": self.llm_calls,
            "failed_calls": self.failed_calls,
            "calls_one_by_one": self.calls_one_by_one,
            "llm_calls_one_by_one": self.llm_calls_one_by_one,
            "context": self.context,
            "thresholds": [result.to_dict() for result in self.thresholds],
            "recommendation": self.recommendation.to_dict(),
            "notes": list(self.notes),
            "floor": self.floor,
            "unpriced": self.unpriced,
            "around": self.around,
            "doubtful": [pair.to_dict() for pair in self.doubtful],
            "pairs": [pair.to_dict() for pair in self.pairs],
        }

    def to_json(self) -> str:
        """The report as JSON text, indented."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def table(self, *, pairs: bool = True) -> str:
        """The report as plain text, for a terminal.

        Args:
            pairs: whether it has the nearest pairs of each threshold and the doubtful pairs, which
                are most of its lines.
        """
        from .text import text_of

        return text_of(self, pairs=pairs)

    def to_html(self) -> str:
        """The report as one HTML page that needs nothing else: no script, style sheet or image."""
        from .page import page_of

        return page_of(self)
