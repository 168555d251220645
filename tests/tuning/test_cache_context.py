"""What a context of the service's cache finds out about its prompts, query by query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import attrs
import pytest
from tuning.service import TIMES, Service

from vectorcache import (
    APITimeoutError,
    BatchResult,
    DebugInfo,
    NotCacheableError,
    VectorcacheResponse,
)
from vectorcache.tuning.cache_context import Ask, Asking, CacheContext, PromptFailed

T = TypeVar("T")

NAMES = ["a", "b", "c"]


def finish(steps: Asking[T], answer: Callable[[Ask], VectorcacheResponse]) -> tuple[T, list[Ask]]:
    """Answers all queries of some steps, and says what they returned and what they asked."""
    asked: list[Ask] = []

    def answers(asks: Sequence[Ask]) -> list[BatchResult]:
        results = []
        for place, ask in enumerate(asks):
            asked.append(ask)
            try:
                results.append(BatchResult(place, place, ask.prompt, answer(ask)))
            except Exception as error:
                results.append(BatchResult(place, place, ask.prompt, None, error))
        return results

    try:
        asks = next(steps)
        while True:
            asks = steps.send(answers(asks))
    except StopIteration as end:
        return end.value, asked


def hit(text: str, entry: str | None = None, score: float | None = 0.9) -> VectorcacheResponse:
    """A hit that was answered by an entry."""
    debug = attrs.evolve(TIMES, matched_cache_entry_id=entry)
    return VectorcacheResponse(True, text, score, 0.5, "cache", debug)


def miss(text: str, debug: DebugInfo | None = TIMES) -> VectorcacheResponse:
    """A miss."""
    return VectorcacheResponse(False, text, None, 0.0, "openai", debug)


def _always(answer: VectorcacheResponse, ask: Ask) -> VectorcacheResponse:
    return answer


def stored(text: Callable[[str], str] = lambda prompt: f"answer to {prompt}") -> CacheContext:
    """A context that holds all prompts."""
    context = CacheContext("ctx", NAMES)
    finish(context.store(0b111), lambda ask: miss(text(ask.prompt)))
    return context


def stored_except(lost: str) -> CacheContext:
    """A context that holds all prompts but one, whose answer was lost."""
    context = CacheContext("ctx", NAMES)

    def answer(ask: Ask) -> VectorcacheResponse:
        if ask.prompt == lost:
            raise APITimeoutError("late")
        return miss("same")

    with pytest.raises(PromptFailed, match="late"):
        finish(context.store(0b111), answer)
    return context


def test_what_is_asked() -> None:
    """A query carries its prompt, its threshold and the name of the context, and no more."""
    ask = Ask("a", 0.0, "ctx")
    assert ask.to_dict() == {"prompt": "a", "similarity_threshold": 0.0, "context": "ctx"}


def test_a_failed_prompt_names_its_error() -> None:
    """The text of the exception is that of the query's error."""
    error = NotCacheableError("no")
    assert str(PromptFailed(error)) == str(error)


def test_one_failure_does_not_keep_others_from_being_stored() -> None:
    """Prompts behind one that failed are stored all the same, and the failure is raised."""
    context = stored_except("b")
    assert context.held == 0b101


def test_a_comparison_names_the_prompt_and_what_it_was_compared_with() -> None:
    """It has all that were held, the one that answered, its score and what it saved."""
    found, _ = finish(stored().compare(0), lambda ask: hit("answer to b", "entry"))
    assert found.compared == 0b111
    assert found.closest is not None
    assert (found.closest.index, found.closest.score, found.closest.cost_saved) == (1, 0.9, 0.5)


def test_a_prompt_that_was_not_held_is_compared_too() -> None:
    """A prompt whose answer was lost, and that answers all the same, counts as compared."""
    context = stored_except("b")
    first = iter(["entry-b"])
    found, _ = finish(
        context.compare(0), lambda ask: hit("an answer", next(first, f"entry-{ask.prompt}"))
    )
    assert found.compared == 0b111
    assert found.closest is not None
    assert found.closest.index == 1


def test_a_miss_may_say_what_came_nearest() -> None:
    """Where the service names the nearest prompt of a miss, the comparison has it."""
    near = attrs.evolve(TIMES, extra={"nearest_prompt": "c", "nearest_similarity_score": 0.4})
    found, _ = finish(stored().compare(0, 0.8), lambda ask: miss("new", near))
    assert found.closest is not None
    assert (found.closest.index, found.closest.score) == (2, 0.4)


def test_a_nearest_prompt_that_is_not_known() -> None:
    """A name that no prompt has, and an answer without debug information, say nothing."""
    far = attrs.evolve(TIMES, extra={"nearest_prompt": "z", "nearest_similarity_score": 0.4})
    for debug in (far, None):
        answer = miss("new", debug)
        found, _ = finish(stored().compare(0, 0.8), partial(_always, answer))
        assert found.closest is None


def test_a_hit_without_a_score() -> None:
    """The prompt has failed, and the error says what is missing."""
    with pytest.raises(PromptFailed) as caught:
        finish(stored().compare(0), lambda ask: hit("answer to b", "entry", None))
    assert str(caught.value.error).startswith(
        "a hit came without a similarity_score, which tuning needs"
    )


def test_answers_of_the_same_text_are_told_apart_by_asking() -> None:
    """Each prompt is asked for its entry, the oldest first, until the entry is found."""
    context = stored(lambda prompt: "same")
    entries = {"a": "entry-a", "b": "entry-b", "c": "entry-c"}
    first = iter(["entry-b"])
    found, asked = finish(
        context.compare(2), lambda ask: hit("same", next(first, entries[ask.prompt]))
    )
    assert [ask.prompt for ask in asked] == ["c", "a", "b"]
    assert found.closest is not None
    assert found.closest.index == 1
    # What was learned on the way is not asked again.
    _, asked = finish(context.compare(2), lambda ask: hit("same", "entry-a"))
    assert [ask.prompt for ask in asked] == ["c"]


def test_what_may_not_be_stored_is_asked_last() -> None:
    """A prompt whose answer was lost is asked for its entry after those that are held."""
    context = stored_except("a")
    first = iter(["entry-a"])
    entries = {"a": "entry-a", "b": "entry-b", "c": "entry-c"}
    _, asked = finish(
        context.compare(2), lambda ask: hit("other", next(first, entries[ask.prompt]))
    )
    assert [ask.prompt for ask in asked] == ["c", "b", "c", "a"]


def test_an_entry_of_no_prompt() -> None:
    """Where no prompt has the entry, the error names the entry and the context."""
    first = iter(["entry-z"])
    with pytest.raises(PromptFailed) as caught:
        finish(
            stored(lambda prompt: "same").compare(2),
            lambda ask: hit("same", next(first, f"entry-{ask.prompt}")),
        )
    assert str(caught.value.error).startswith(
        "a hit names the entry 'entry-z' of the context 'ctx', which is that of "
        "none of the prompts stored there: which of them matched cannot be told"
    )


def test_an_answer_that_is_not_a_hit_names_no_entry() -> None:
    """A miss on the way, whose debug information names an entry, is not taken for that entry."""
    named = attrs.evolve(TIMES, matched_cache_entry_id="entry-b")
    answers = iter([hit("same", "entry-b"), *[miss("same", named)] * 3])
    with pytest.raises(PromptFailed, match="none of the prompts stored there"):
        finish(stored(lambda prompt: "same").compare(2), lambda ask: next(answers))


def test_a_hit_that_nothing_names() -> None:
    """Where neither an entry nor the answer tells which prompt it was, the error says so."""
    with pytest.raises(PromptFailed) as caught:
        finish(stored(lambda prompt: "same").compare(2), lambda ask: hit("same"))
    assert str(caught.value.error).startswith(
        "a hit's answer is that of 3 prompts, and the service sent no "
        "debug.matched_cache_entry_id: which of them matched cannot be told"
    )


def test_scores_that_cannot_tell_prompts_apart() -> None:
    """A new prompt that is a hit at threshold 1 has failed, and the error says why."""
    context = CacheContext("ctx", NAMES)
    with pytest.raises(PromptFailed) as caught:
        finish(context.store(0b1), lambda ask: hit("x", "entry", 1.0))
    assert str(caught.value.error).startswith(
        "a prompt was answered from the cache, with a score of 1.0, at a threshold of 1, though "
        "it is new in the context 'ctx': scores are too coarse to tell these prompts apart"
    )
    assert context.held == 0


def test_the_service_answers_such_queries() -> None:
    """The same steps find the nearest prompt with a real comparison of vectors."""
    service = Service({"a": (1.0, 0.0), "b": (0.0, 1.0), "c": (1.0, 0.1)})
    context = CacheContext("ctx", NAMES)

    def answer(ask: Ask) -> VectorcacheResponse:
        return service.query(ask.prompt, ask.similarity_threshold, ask.context)

    finish(context.store(0b011), answer)
    found, _ = finish(context.compare(2), answer)
    assert found.closest is not None
    assert found.closest.index == 0
