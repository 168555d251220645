"""What a run found, and the sentences that sum it up."""

from typing import Any, Final

import attrs

from .matches import Pair
from .questions import check_share
from .recommendation import Recommendation, recommend, too_few_hits
from .results import ThresholdResult, closest_pairs, nearest
from .wording import count_of, dollars, interval, listed, percent

_DOUBTFUL: Final = 20


@attrs.frozen
class FailedPrompt:
    """A prompt that could not be decided, so that it does not count.

    Attributes:
        index: its place among the prompts, from 0.
        prompt: its text.
        error_type: the name of the error's class.
        error: the error's message.
    """

    index: int
    prompt: str
    error_type: str
    error: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON-serialisable values."""
        return attrs.asdict(self)


# Resolved here, because the module of TuningReport, which inherits the fields, lacks these names.
@attrs.resolve_types
@attrs.frozen(kw_only=True)
class Findings:
    """The figures of a report; ``TuningReport`` describes its attributes."""

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

    def best_for(self, precision: float) -> Recommendation:
        """Returns the best of the thresholds tried for a wanted precision.

        Args:
            precision: the least share of hits that should be right, 0 to 1.

        Raises:
            InvalidRequestError: ``precision`` is not a number from 0 to 1.
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

        It is the recommended threshold. Without a recommendation it is the threshold tried that is
        nearest to the client's own.
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

        A prompt is left out if none of its scores is known: it is the first prompt, or no earlier
        prompt scored ``floor`` or more.
        """
        return closest_pairs(self.pairs)

    @property
    def calls_one_by_one(self) -> int:
        """How many queries it takes to try each threshold separately."""
        return self.prompts * len(self.thresholds)

    @property
    def llm_calls_one_by_one(self) -> int:
        """How many of those queries would be misses."""
        return sum(result.misses for result in self.thresholds)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know before relying on the figures; empty if there is nothing."""
        found = []
        if self.stopped is not None:
            found.append(
                f"The run stopped before its end: {self.stopped}. The figures are on the first "
                f"{self.prompts + len(self.failed):,} prompts; {self.not_asked:,} were not asked."
            )
        if self.failed:
            found.append(
                f"{count_of(len(self.failed), 'prompt')} failed and "
                f"{'does' if len(self.failed) == 1 else 'do'} not count; see below."
            )
        few = too_few_hits(self.thresholds)
        if few:
            found.append(
                f"There were fewer than 30 hits at {listed(few)}, so the precision there says "
                "little. Try more prompts."
            )
        if self.unpriced:
            found.append(
                f"The saving of {count_of(self.unpriced, 'hit')} could not be found out and counts "
                "as $0."
            )
        elif any(r.hits for r in self.thresholds) and not any(
            r.cost_saved for r in self.thresholds
        ):
            found.append(
                "The service reported $0 for every saving: it has no price for this model, or no "
                "LLM at all (such as the embedded service without an LLM)."
            )
        return tuple(found)


def summary(findings: Findings) -> str:
    """Returns the result in one sentence, for a reader in a hurry."""
    chosen = findings.recommendation.threshold
    best = next((result for result in findings.thresholds if result.threshold == chosen), None)
    if best is not None and best.precision is not None:
        return (
            f"With a similarity threshold of {best.threshold:g}, {_answered(best, findings)}; "
            f"{best.precision.count:,} of these {best.hits:,} answers would have been right "
            f"({percent(best.precision.value)}; with 95 % confidence, {interval(best.precision)})."
        )
    lowest, highest = findings.thresholds[0], findings.thresholds[-1]
    answered = f"With a similarity threshold of {lowest.threshold:g}, {_answered(lowest, findings)}"
    if lowest is highest:
        return f"{answered}."
    return (
        f"{answered}; with {highest.threshold:g}, "
        f"{percent(highest.hit_rate.value)}{_saving(highest)}."
    )


def effort(findings: Findings) -> str:
    """Returns how many calls the run took, and how many it would have taken otherwise."""
    return (
        f"This took {count_of(findings.calls, 'call')}, {findings.llm_calls:,} of them misses; "
        f"trying each threshold separately would have taken {findings.calls_one_by_one:,}, with "
        f"{findings.llm_calls_one_by_one:,} misses."
    )


def _answered(result: ThresholdResult, findings: Findings) -> str:
    return (
        f"{percent(result.hit_rate.value)} of the {findings.prompts:,} prompts would have been "
        f"answered from the cache{_saving(result)}"
    )


def _saving(result: ThresholdResult) -> str:
    # Without an LLM, or a price for the model, there is nothing to save; a note says so.
    return f", which saves {dollars(result.cost_saved)}" if result.cost_saved > 0 else ""
