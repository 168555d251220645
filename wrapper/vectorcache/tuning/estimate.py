"""What a run may cost, before it begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from .questions import THRESHOLDS, Questions


@attrs.frozen
class TuningEstimate:
    """The calls that a run may make; those it makes are usually far fewer.

    Attributes:
        prompts: how many prompts there are.
        distinct: how many different ones.
        thresholds: what is tried, lowest first.
    """

    prompts: int
    distinct: int
    thresholds: tuple[float, ...]

    @classmethod
    def of(cls, questions: Questions) -> TuningEstimate:
        """The estimate for questions that are checked."""
        prompts = questions.prompts
        return cls(len(prompts), len(set(prompts)), questions.thresholds)

    @property
    def calls_at_most(self) -> int:
        """Queries that can be needed in the worst case.

        Each prompt may be compared with two contexts and one for each threshold, and asked once
        more for what it saves; each entry is stored, and may be asked for its name.
        """
        tried = len(self.thresholds)
        return self.prompts * (tried + 3) + 2 * self.llm_calls_at_most

    @property
    def llm_calls_at_most(self) -> int:
        """Those of them that can be misses, for which the service pays an LLM."""
        return self.distinct * len(self.thresholds)

    @property
    def calls_one_by_one(self) -> int:
        """Queries that trying each threshold in a cache of its own would take."""
        return self.prompts * len(self.thresholds)

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON-serialisable values."""
        return {
            "prompts": self.prompts,
            "distinct": self.distinct,
            "thresholds": list(self.thresholds),
            "calls_at_most": self.calls_at_most,
            "llm_calls_at_most": self.llm_calls_at_most,
            "calls_one_by_one": self.calls_one_by_one,
        }


def estimate(
    prompts: Iterable[str | Mapping[str, Any]], thresholds: Iterable[float] = THRESHOLDS
) -> TuningEstimate:
    """What ``tune`` with the same arguments may cost. Nothing is sent.

    Raises:
        InvalidRequestError: an argument is at fault, as ``tune`` would say.
    """
    questions = Questions.checked(prompts, None, thresholds)
    return TuningEstimate.of(questions)
