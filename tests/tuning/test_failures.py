"""Prompts that fail, and runs that stop early."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.effort import examples
from tuning.service import Service, brute_force

from vectorcache import (
    APITimeoutError,
    AuthenticationError,
    NotCacheableError,
    QuotaExceededError,
    VectorcacheError,
)

COUNT = 30
VECTORS = {f"prompt {n}": (1.0, n * 7919 % 31 / 31, n * 104729 % 37 / 37) for n in range(COUNT)}
PROMPTS = [*VECTORS, *list(VECTORS)[::4]]


@given(broken=st.sets(st.sampled_from(sorted(VECTORS)), max_size=8))
@examples(40)
def test_prompts_that_fail_do_not_count(broken: set[str]) -> None:
    """The figures cover only the other prompts, and each failed prompt is named."""
    service = Service(VECTORS)
    service.fails = lambda prompt, _: NotCacheableError("no") if prompt in broken else None
    report = service.tune(PROMPTS)
    assert [failed.prompt for failed in report.failed] == [
        prompt for prompt in PROMPTS if prompt in broken
    ]
    assert {failed.error for failed in report.failed} <= {"no"}
    service.fails = lambda prompt, threshold: None
    others = [prompt for prompt in PROMPTS if prompt not in broken]
    assert report.prompts == len(others)
    for result in report.thresholds:
        assert result.hits == len(brute_force(service, others, result.threshold).hits)


@given(lost=st.sets(st.integers(1, 60), max_size=4))
@examples(40)
def test_answers_that_are_lost(lost: set[int]) -> None:
    """If the answer of any query is lost, the run goes on, and every prompt is accounted for."""
    service = Service(VECTORS)
    service.loses_answers = True
    service.fails = lambda *_: APITimeoutError("late") if len(service.queries) in lost else None
    report = service.tune(PROMPTS)
    assert report.prompts + len(report.failed) == len(PROMPTS)
    assert report.stopped is None
    assert report.failed_calls == len({number for number in lost if number <= report.calls})


def test_a_lost_answer_that_turns_up() -> None:
    """A prompt whose answer was lost counts as soon as its entry answers another prompt."""
    service = Service({"a": (1.0, 0.0), "b": (1.0, 0.1), "c": (0.0, 1.0)})
    service.loses_answers = True
    service.fails = lambda *_: APITimeoutError("late") if len(service.queries) == 1 else None
    report = service.tune(["a", "b", "c"])
    assert not report.failed
    assert [result.hits for result in report.thresholds] == [1, 1, 1]
    assert report.failed_calls == 1


def test_an_outage_stops_the_run() -> None:
    """After five failures in a row of the service the run stops, and reports what came before."""
    service = Service(VECTORS)
    service.fails = lambda *_: APITimeoutError("late") if len(service.queries) > 20 else None
    report = service.tune(PROMPTS)
    assert len(service.queries) == report.calls == 25
    assert report.stopped == "late"
    assert report.prompts + len(report.failed) + report.not_asked == len(PROMPTS)
    assert report.not_asked > 0
    assert "The run stopped before its end: late." in report.notes[0]


def test_a_lasting_failure_stops_the_run() -> None:
    """An exhausted quota stops the run at once."""
    service = Service(VECTORS)
    service.fails = lambda *_: QuotaExceededError("used up") if len(service.queries) > 9 else None
    report = service.tune(PROMPTS)
    assert (report.calls, report.failed_calls, report.stopped) == (10, 1, "used up")


@pytest.mark.parametrize("error", [AuthenticationError("refused"), NotCacheableError("no")])
def test_no_prompt_was_decided(error: VectorcacheError) -> None:
    """If no prompt could be decided, the error of a prompt is raised instead of a report."""
    service = Service(VECTORS)
    service.fails = lambda *_: error
    with pytest.raises(type(error), match=error.message):
        service.tune(PROMPTS)


def test_unknown_matches() -> None:
    """A prompt fails if neither a name nor the answer tells which prompt matched it."""
    service = Service({"a": (1.0, 0.0), "b": (0.0, 1.0), "c": (1.0, 0.1)})
    service.names_entries = False
    service.answer = lambda prompt: "I do not know"
    report = service.tune(["a", "b", "c"])
    (failed,) = report.failed
    assert failed.prompt == "c"
    assert "it is unknown which of them matched" in failed.error


def test_scores_that_are_too_coarse() -> None:
    """A new prompt that is a hit at threshold 1 has failed, and the error says why."""

    class OutOfOrder(Service):
        """Gives all prompts a score of 1 when it is asked at threshold 1."""

        def score(self, prompt: str, other: str) -> float:
            return 1.0 if self.queries[-1][1] == 1 else super().score(prompt, other)

    report = OutOfOrder({"a": (1.0, 0.0), "b": (1.0, 1.1)}).tune(["a", "b", "a"])
    (failed,) = report.failed
    assert failed.prompt == "b"
    assert "answered from the cache with a score of 1.0, at a threshold of 1" in failed.error
