"""A context of the cache finds the closest prompt, query by query."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import attrs
import pytest
from tuning.service import TIMES, Service, answer_all

from vectorcache import (
    APITimeoutError,
    DebugInfo,
    NotCacheableError,
    VectorcacheResponse,
)
from vectorcache.tuning.cache_context import CacheContext, PlannedQuery, PromptFailed, Queries

T = TypeVar("T")

NAMES = ["a", "b", "c"]


def finish(
    steps: Queries[T], answer_query: Callable[[PlannedQuery], VectorcacheResponse]
) -> tuple[T, list[PlannedQuery]]:
    """Answers all queries of some steps; returns what the steps returned, and the queries."""
    queries: list[PlannedQuery] = []

    def recorded(query: PlannedQuery) -> VectorcacheResponse:
        queries.append(query)
        return answer_query(query)

    return answer_all(steps, recorded), queries


def hit(text: str, entry: str | None = None, score: float | None = 0.9) -> VectorcacheResponse:
    """Returns a hit that was answered by an entry."""
    debug = attrs.evolve(TIMES, matched_cache_entry_id=entry)
    return VectorcacheResponse(True, text, score, 0.5, "cache", debug)


def miss(text: str, debug: DebugInfo | None = TIMES) -> VectorcacheResponse:
    """Returns a miss."""
    return VectorcacheResponse(False, text, None, 0.0, "openai", debug)


def _always(answer: VectorcacheResponse, query: PlannedQuery) -> VectorcacheResponse:
    return answer


def stored(text: Callable[[str], str] = lambda prompt: f"answer to {prompt}") -> CacheContext:
    """Returns a context that holds all prompts."""
    context = CacheContext("ctx", NAMES)
    finish(context.store(0b111), lambda query: miss(text(query.prompt)))
    return context


def stored_except(lost: str) -> CacheContext:
    """Returns a context that holds all prompts but one, whose answer was lost."""
    context = CacheContext("ctx", NAMES)

    def answer(query: PlannedQuery) -> VectorcacheResponse:
        if query.prompt == lost:
            raise APITimeoutError("late")
        return miss("same")

    with pytest.raises(PromptFailed, match="late"):
        finish(context.store(0b111), answer)
    return context


def test_the_fields_of_a_query() -> None:
    """A query has a prompt, a threshold and the name of the context, and no other field."""
    query = PlannedQuery("a", 0.0, "ctx")
    assert query.to_dict() == {"prompt": "a", "similarity_threshold": 0.0, "context": "ctx"}


def test_a_failed_prompt_names_its_error() -> None:
    """The text of the exception is the text of the query's error."""
    error = NotCacheableError("no")
    assert str(PromptFailed(error)) == str(error)


def test_one_failure_does_not_keep_others_from_being_stored() -> None:
    """Prompts after one that failed are stored nevertheless, and the failure is raised."""
    context = stored_except("b")
    assert context.held == 0b101


def test_a_comparison_names_the_prompt_and_what_it_was_compared_with() -> None:
    """A comparison has all stored prompts, the one that answered, its score and its saving."""
    found, _ = finish(stored().compare(0), lambda query: hit("answer to b", "entry"))
    assert found.compared == 0b111
    assert found.closest is not None
    assert (found.closest.index, found.closest.score, found.closest.cost_saved) == (1, 0.9, 0.5)


def test_a_prompt_that_was_not_held_is_compared_too() -> None:
    """A prompt whose answer was lost counts as compared if it answers later."""
    context = stored_except("b")
    first = iter(["entry-b"])
    found, _ = finish(
        context.compare(0), lambda query: hit("an answer", next(first, f"entry-{query.prompt}"))
    )
    assert found.compared == 0b111
    assert found.closest is not None
    assert found.closest.index == 1


def test_a_miss_may_name_the_nearest_prompt() -> None:
    """If the service names the nearest prompt of a miss, the comparison has it."""
    near = attrs.evolve(TIMES, extra={"nearest_prompt": "c", "nearest_similarity_score": 0.4})
    found, _ = finish(stored().compare(0, 0.8), lambda query: miss("new", near))
    assert found.closest is not None
    assert (found.closest.index, found.closest.score) == (2, 0.4)


def test_an_unknown_nearest_prompt() -> None:
    """Without debug information, or with an unknown prompt in it, no prompt is the closest."""
    far = attrs.evolve(TIMES, extra={"nearest_prompt": "z", "nearest_similarity_score": 0.4})
    for debug in (far, None):
        answer = miss("new", debug)
        found, _ = finish(stored().compare(0, 0.8), partial(_always, answer))
        assert found.closest is None


def test_a_hit_without_a_score() -> None:
    """A hit without a score fails its prompt, and the error says what is missing."""
    with pytest.raises(PromptFailed) as caught:
        finish(stored().compare(0), lambda query: hit("answer to b", "entry", None))
    assert str(caught.value.error).startswith(
        "the service sent a hit without a similarity_score, which tuning needs"
    )


def test_answers_of_the_same_text_are_told_apart_by_asking() -> None:
    """Each prompt is asked for its entry, the oldest first, until the entry is found."""
    context = stored(lambda prompt: "same")
    entries = {"a": "entry-a", "b": "entry-b", "c": "entry-c"}
    first = iter(["entry-b"])
    found, asked = finish(
        context.compare(2), lambda query: hit("same", next(first, entries[query.prompt]))
    )
    assert [query.prompt for query in asked] == ["c", "a", "b"]
    assert found.closest is not None
    assert found.closest.index == 1
    # The entries that were found this way are not asked for again.
    _, asked = finish(context.compare(2), lambda query: hit("same", "entry-a"))
    assert [query.prompt for query in asked] == ["c"]


def test_a_prompt_that_may_not_be_stored_is_asked_last() -> None:
    """A prompt whose answer was lost is asked for its entry after those that are held."""
    context = stored_except("a")
    first = iter(["entry-a"])
    entries = {"a": "entry-a", "b": "entry-b", "c": "entry-c"}
    _, asked = finish(
        context.compare(2), lambda query: hit("other", next(first, entries[query.prompt]))
    )
    assert [query.prompt for query in asked] == ["c", "b", "c", "a"]


def test_an_entry_of_no_prompt() -> None:
    """If the entry belongs to no prompt, the error names the entry and the context."""
    first = iter(["entry-z"])
    with pytest.raises(PromptFailed) as caught:
        finish(
            stored(lambda prompt: "same").compare(2),
            lambda query: hit("same", next(first, f"entry-{query.prompt}")),
        )
    assert str(caught.value.error).startswith(
        "a hit names the entry 'entry-z' of the context 'ctx', which belongs to "
        "none of the prompts stored there, so it is unknown which of them matched"
    )


def test_an_answer_that_is_not_a_hit_names_no_entry() -> None:
    """A miss whose debug information names an entry does not count as that entry."""
    named = attrs.evolve(TIMES, matched_cache_entry_id="entry-b")
    answers = iter([hit("same", "entry-b"), *[miss("same", named)] * 3])
    with pytest.raises(PromptFailed, match="none of the prompts stored there"):
        finish(stored(lambda prompt: "same").compare(2), lambda query: next(answers))


def test_a_hit_that_cannot_be_attributed() -> None:
    """If neither an entry nor the answer identifies the prompt, the error says so."""
    with pytest.raises(PromptFailed) as caught:
        finish(stored(lambda prompt: "same").compare(2), lambda query: hit("same"))
    assert str(caught.value.error).startswith(
        "3 prompts have the answer of a hit, and the service sent no "
        "debug.matched_cache_entry_id, so it is unknown which of them matched"
    )


def test_scores_that_cannot_tell_prompts_apart() -> None:
    """A new prompt that is a hit at threshold 1 fails, and the error says why."""
    context = CacheContext("ctx", NAMES)
    with pytest.raises(PromptFailed) as caught:
        finish(context.store(0b1), lambda query: hit("x", "entry", 1.0))
    assert str(caught.value.error).startswith(
        "a prompt that is new in the context 'ctx' was answered from the cache with a score of "
        "1.0, at a threshold of 1: scores are too coarse to tell these prompts apart"
    )
    assert context.held == 0


def test_a_real_comparison() -> None:
    """The steps find the nearest prompt if the service really compares vectors."""
    service = Service({"a": (1.0, 0.0), "b": (0.0, 1.0), "c": (1.0, 0.1)})
    context = CacheContext("ctx", NAMES)
    finish(context.store(0b011), service.answer_query)
    found, _ = finish(context.compare(2), service.answer_query)
    assert found.closest is not None
    assert found.closest.index == 0
