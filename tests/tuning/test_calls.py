"""A run makes few calls, and never more than it was allowed."""

from __future__ import annotations

import random

import pytest
from tuning.service import Service

from vectorcache.tuning import TuningProgress, estimate

NEW = {f"prompt {place}": [float(place == other) for other in range(6)] for place in range(6)}
ALIKE = {"a": (1.0, 0.0), "b": (1.0, 0.5), "c": (1.0, 0.6), "d": (1.0, 0.05)}


def test_new_prompts_take_one_call_each() -> None:
    """If no prompts are alike, each is asked once, for any number of thresholds."""
    service = Service(NEW)
    report = service.tune([*NEW], thresholds=[0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
    assert (report.calls, report.calls_one_by_one) == (6, 36)
    # No prompt follows the last one, so it is not stored.
    assert report.llm_calls == 5


def test_a_repeated_text_takes_no_call() -> None:
    """A repeated text is asked only once, at the end, for the saving of its hits."""
    service = Service(NEW)
    report = service.tune(["prompt 1"] * 50)
    assert [result.hits for result in report.thresholds] == [49, 49, 49]
    assert (report.calls, report.llm_calls) == (2, 1)
    assert report.thresholds[0].cost_saved == 49 * 8 / 1024


def test_comparisons_of_a_text_are_reused() -> None:
    """A repeated text that is not stored is compared only with prompts stored since."""
    service = Service(ALIKE)
    once = service.tune(["a", "d"]).calls
    assert service.tune(["a", "d", "d", "d"]).calls == once


def test_a_prompt_with_a_close_match_is_paid_for_once() -> None:
    """A prompt that is stored at some thresholds only is paid for once for all of them."""
    service = Service(ALIKE)
    report = service.tune(["a", "b", "d"], thresholds=[0.7, 0.8, 0.9, 0.95])
    assert [result.misses for result in report.thresholds] == [1, 1, 2, 2]
    assert report.llm_calls == 2


def test_the_estimate() -> None:
    """The estimate gives the largest number of calls, and sends nothing."""
    expected = estimate(["a", "b", "a"], [0.9, 0.8])
    assert expected.to_dict() == {
        "prompts": 3,
        "distinct": 2,
        "thresholds": [0.8, 0.9],
        "calls_at_most": 23,
        "llm_calls_at_most": 4,
        "calls_one_by_one": 6,
    }


@pytest.mark.parametrize("maximum", range(1, 6))
def test_max_calls(maximum: int) -> None:
    """No more calls are made than ``max_calls``, and the report covers the prompts until then."""
    service = Service(ALIKE)
    prompts = ["a", "b", "c", "d"] * 2
    report = service.tune(prompts, thresholds=[0.7, 0.85, 0.9], max_calls=maximum)
    assert report.calls == len(service.queries) <= maximum
    assert report.stopped is not None
    assert f"max_calls={maximum} is used up" in report.stopped
    assert report.prompts + report.not_asked == len(prompts)
    before = Service(ALIKE).tune(prompts, thresholds=[0.7, 0.85, 0.9])
    assert all(
        part.hits <= whole.hits
        for part, whole in zip(report.thresholds, before.thresholds, strict=True)
    )


@pytest.mark.parametrize("maximum", [1, 2, 3])
def test_max_llm_calls(maximum: int) -> None:
    """No more misses are paid for than ``max_llm_calls``."""
    service = Service(NEW)
    report = service.tune([*NEW], max_llm_calls=maximum)
    assert (report.llm_calls, report.prompts, report.not_asked) == (maximum, maximum, 6 - maximum)
    assert report.stopped is not None
    assert f"max_llm_calls={maximum} is used up" in report.stopped
    assert report.stopped in report.notes[0]


def test_progress() -> None:
    """``progress`` is called after each prompt with the prompts done, their total and the calls."""
    told: list[TuningProgress] = []
    report = Service(NEW).tune([*NEW], progress=told.append)
    assert [progress.done for progress in told] == [1, 2, 3, 4, 5, 6]
    assert {progress.total for progress in told} == {6}
    assert (told[-1].calls, told[-1].llm_calls) == (report.calls, report.llm_calls)


def test_many_alike() -> None:
    """Among many prompts that are alike, calls and misses stay below those of real runs."""
    chance = random.Random(5)
    middles = [[chance.gauss(0, 1) for _ in range(12)] for _ in range(40)]
    vectors = {
        f"prompt {number}": [part + chance.gauss(0, 0.45) for part in chance.choice(middles)]
        for number in range(150)
    }
    report = Service(vectors).tune([*vectors], thresholds=[0.75, 0.8, 0.85, 0.9, 0.95])
    assert (report.calls_one_by_one, report.llm_calls_one_by_one) == (750, 480)
    assert report.calls <= 622
    assert report.llm_calls <= 274
