"""Estimates what a run costs, before it begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from .questions import THRESHOLDS, Questions


@attrs.frozen
class TuningEstimate:
    """The largest number of calls that a run may make; it usually makes far fewer.

    Attributes:
        prompts: how many prompts there are.
        distinct: how many different prompts there are.
        thresholds: the thresholds to try, lowest first.
    """

    prompts: int
    distinct: int
    thresholds: tuple[float, ...]

    @classmethod
    def from_questions(cls, questions: Questions) -> TuningEstimate:
        """Returns the estimate for checked questions."""
        prompts = questions.prompts
        return cls(len(prompts), len(set(prompts)), questions.thresholds)

    @property
    def calls_at_most(self) -> int:
        """How many queries a run makes in the worst case.

        Each prompt may be compared with two contexts and with one for each threshold, and one more
        query may ask for its saving. Each entry is stored by one query, and another may ask for its
        name.
        """
        tried = len(self.thresholds)
        return self.prompts * (tried + 3) + 2 * self.llm_calls_at_most

    @property
    def llm_calls_at_most(self) -> int:
        """How many of those queries can be misses, for which the service pays an LLM."""
        return self.distinct * len(self.thresholds)

    @property
    def calls_one_by_one(self) -> int:
        """How many queries it takes to try each threshold in a separate cache."""
        return self.prompts * len(self.thresholds)

    def to_dict(self) -> dict[str, Any]:
        """Returns the figures as JSON-serialisable values."""
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
    """Estimates what ``tune`` costs with the same arguments. It sends nothing.

    Args:
        prompts: strings, or mappings with ``"prompt"``, as for ``tune``.
        thresholds: cosine similarities to try, 0 to 1, in any order.

    Raises:
        InvalidRequestError: an argument is invalid; ``tune`` raises the same error.
    """
    questions = Questions.checked(prompts, None, thresholds)
    return TuningEstimate.from_questions(questions)
