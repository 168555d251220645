"""One context of the service's cache: its entries, and how to find the closest one to a prompt."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from .._batch.result import BatchResult
from .._response import VectorcacheResponse
from ..errors import APIResponseError
from .matches import Match

T = TypeVar("T")

# At 0 the closest entry always answers; at 1 only an entry with the same text does.
ALWAYS_HITS: Final = 0.0
_NEVER_HITS: Final = 1.0


@attrs.frozen
class PlannedQuery:
    """A query to make, with debug information in its answer."""

    prompt: str
    similarity_threshold: float
    context: str

    def to_dict(self) -> Mapping[str, Any]:
        """Returns the query in the form that ``query_many`` takes."""
        return attrs.asdict(self)


# A generator that yields queries to make at the same time, is sent their results in the same
# order, and returns what it found out.
Queries: TypeAlias = Generator[Sequence[PlannedQuery], Sequence[BatchResult], T]


class PromptFailed(Exception):
    """A query failed, or its answer lacks what tuning needs.

    Attributes:
        error: the error that ``query_many`` returned, or one that says what the answer lacks.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


@attrs.frozen
class Comparison:
    """A prompt compared with several others at once.

    Attributes:
        compared: the others, as a set of bits.
        closest: the closest of them; None if all of them score less than was asked for, and the
            service does not report their scores.
    """

    compared: int
    closest: Match | None


class CacheContext:
    """A context of the cache that only this run uses.

    A set of prompts is an integer with a bit for each prompt, so that two sets of ten thousand
    prompts are compared in one operation.

    Attributes:
        held: the prompts that are certainly in the context.
    """

    def __init__(self, name: str, prompts: Sequence[str]) -> None:
        self.held = 0
        self._name = name
        self._prompts = prompts
        # The answer is None for a prompt that may be in the context although storing it failed.
        self._answers: dict[int, str | None] = {}
        self._indexes: dict[str, int] = {}

    def compare(self, index: int, least: float = ALWAYS_HITS) -> Queries[Comparison]:
        """Asks which prompt in the context comes closest to a prompt and scores at least ``least``.

        If there is no such prompt, the service stores the new prompt.
        """
        compared = self.held
        try:
            (answer,) = yield from self._ask([index], least)
        except PromptFailed:
            if least > ALWAYS_HITS:
                self._answers.setdefault(index, None)
            raise
        if not answer.cache_hit:
            # A miss with ``least`` 0 means that the service cannot compare this prompt with others.
            nearest = self._nearest_of(answer)
            self._hold(index, answer.response)
            return Comparison(compared, nearest)
        if answer.similarity_score is None:
            raise PromptFailed(
                APIResponseError(
                    "the service sent a hit without a similarity_score, which tuning needs"
                )
            )
        found = yield from self._find(answer)
        self._hold(found, answer.response)
        compared |= 1 << found
        return Comparison(compared, Match(found, answer.similarity_score, answer.cost_saved))

    def store(self, members: int) -> Queries[None]:
        """Stores those of the prompts that the context does not hold yet."""
        missing = list(bits(members & ~self.held))
        if not missing:
            return
        results = yield [
            PlannedQuery(self._prompts[index], _NEVER_HITS, self._name) for index in missing
        ]
        failed: PromptFailed | None = None
        for index, result in zip(missing, results, strict=True):
            try:
                answer = _answer(result)
            except PromptFailed as error:
                self._answers.setdefault(index, None)
                failed = error
                continue
            if answer.cache_hit and index not in self._answers:
                failed = PromptFailed(
                    APIResponseError(
                        f"a prompt that is new in the context {self._name!r} was answered from "
                        f"the cache with a score of {answer.similarity_score}, at a threshold of "
                        f"{_NEVER_HITS:g}: scores are too coarse to tell these prompts apart"
                    )
                )
            else:
                self._hold(index, answer.response)
        if failed is not None:
            raise failed

    def price_query(self, index: int) -> PlannedQuery:
        """Returns the query that asks how much an answer from this prompt's entry saves."""
        return PlannedQuery(self._prompts[index], ALWAYS_HITS, self._name)

    def _hold(self, index: int, answer: str) -> None:
        self.held |= 1 << index
        self._answers[index] = answer

    def _ask(self, indexes: Sequence[int], threshold: float) -> Queries[list[VectorcacheResponse]]:
        results = yield [
            PlannedQuery(self._prompts[index], threshold, self._name) for index in indexes
        ]
        return [_answer(result) for result in results]

    def _nearest_of(self, answer: VectorcacheResponse) -> Match | None:
        """Returns the nearest prompt if the service names it; the embedded service does."""
        extra = {} if answer.debug is None else answer.debug.extra
        prompt, score = extra.get("nearest_prompt"), extra.get("nearest_similarity_score")
        if not isinstance(score, int | float):
            return None
        found = [index for index in self._answers if self._prompts[index] == prompt]
        return Match(found[0], score, None) if len(found) == 1 else None

    def _find(self, answer: VectorcacheResponse) -> Queries[int]:
        """Returns the prompt whose entry answered, found by its name or by the answer's text."""
        nearest = self._nearest_of(answer)
        if nearest is not None:
            return nearest.index
        name = _entry_name(answer)
        if name in self._indexes:
            return self._indexes[name]
        unnamed = self._answers.keys() - self._indexes.values()
        candidates = [index for index in unnamed if self._answers[index] == answer.response]
        if len(candidates) == 1:
            found = candidates[0]
        elif name:
            found = yield from self._find_by_asking(name, candidates or list(unnamed))
        else:
            raise PromptFailed(
                APIResponseError(
                    f"{len(candidates)} prompts have the answer of a hit, and the service sent no "
                    "debug.matched_cache_entry_id, so it is unknown which of them matched"
                )
            )
        if name:
            self._indexes[name] = found
        return found

    def _find_by_asking(self, name: str, candidates: list[int]) -> Queries[int]:
        # A prompt's own text is answered by its own entry. The oldest prompt is asked first, as the
        # older of two equal scores answers. A prompt that may not be stored is asked last, as
        # another entry may answer it.
        for candidate in sorted(
            candidates, key=lambda index: (self._answers[index] is None, index)
        ):
            (own,) = yield from self._ask([candidate], ALWAYS_HITS)
            own_name = _entry_name(own) if own.cache_hit else ""
            if own_name:
                self._indexes.setdefault(own_name, candidate)
            if own_name == name:
                return self._indexes[name]
        raise PromptFailed(
            APIResponseError(
                f"a hit names the entry {name!r} of the context {self._name!r}, which belongs to "
                "none of the prompts stored there, so it is unknown which of them matched"
            )
        )


def bits(members: int) -> Iterator[int]:
    """Yields the members of a set of bits, lowest first."""
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest


def _answer(result: BatchResult) -> VectorcacheResponse:
    if result.result is None:
        assert result.error is not None
        raise PromptFailed(result.error)
    # The answer of a fallback says nothing about the cache.
    if result.result.meta.error is not None:
        raise PromptFailed(result.result.meta.error)
    return result.result


def _entry_name(answer: VectorcacheResponse) -> str:
    return "" if answer.debug is None else answer.debug.matched_cache_entry_id or ""
