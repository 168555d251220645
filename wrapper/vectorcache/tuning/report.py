"""The report of a run: as JSON, as a table, and as a page."""

import json
from typing import Any

import attrs

from .exploration import Exploration
from .findings import FailedPrompt, Findings
from .page import render_page
from .questions import Questions
from .results import result_at, sorted_pairs
from .text import render_text


@attrs.frozen(kw_only=True)
class TuningReport(Findings):
    """The report of a run: what each threshold would have led to.

    Attributes:
        prompts: how many prompts were decided; only these count.
        failed: the prompts that could not be decided.
        not_asked: how many prompts were not asked because the run stopped early.
        stopped: why the run stopped early; None if it asked all prompts.
        labelled: whether labels said which prompts mean the same.
        calls: how many queries were made.
        llm_calls: how many of the queries were misses, for which the service paid an LLM.
        failed_calls: how many of the queries failed.
        context: how the names of the contexts begin that now hold the answers.
        thresholds: the result of each threshold, lowest threshold first.
        wanted_precision: the least share of hits that should be right, 0 to 1.
        usual: the threshold that the client uses now.
        floor: cosine similarity below which scores were not looked for.
        pairs: all pairs of prompts whose score is known, highest score first.
        unpriced: hits whose saving is unknown, and which count as $0.
    """

    @classmethod
    def from_exploration(
        cls,
        exploration: Exploration,
        questions: Questions,
        *,
        failed: tuple[FailedPrompt, ...],
        stopped: str | None,
        context: str,
        calls: int,
        llm_calls: int,
        failed_calls: int,
        wanted_precision: float,
        usual: float,
    ) -> "TuningReport":
        """Returns the report on a finished exploration."""
        pairs = sorted_pairs(questions, exploration.scores)
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

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON-serialisable values."""
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
        """Returns the report as JSON text, indented."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def table(self, *, pairs: bool = True) -> str:
        """Returns the report as plain text, for a terminal.

        Args:
            pairs: whether to show the nearest pairs of each threshold and the doubtful pairs,
                which make up most of the lines.
        """
        return render_text(self, pairs=pairs)

    def to_html(self) -> str:
        """Returns the report as one HTML page without scripts, other style sheets or images."""
        return render_page(self)
