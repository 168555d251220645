"""One context of the service's cache: what is in it, and what comes closest to a prompt."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from .._batch.result import BatchResult
from .._response import VectorcacheResponse
from ..errors import APIResponseError
from .matches import Match

T = TypeVar("T")

# Below every score, so that what is closest answers; above all but the same prompt's own.
ALWAYS_HITS: Final = 0.0
_NEVER_HITS: Final = 1.0


@attrs.frozen
class Ask:
    """A query to make, with debug information."""

    prompt: str
    similarity_threshold: float
    context: str

    def to_dict(self) -> Mapping[str, Any]:
        """What ``query_many`` takes for it."""
        return attrs.asdict(self)


# Says what to ask at the same time, is sent what came of it in that order, and returns what it
# found out.
Asking: TypeAlias = Generator[Sequence[Ask], Sequence[BatchResult], T]


class PromptFailed(Exception):
    """A query failed, or its answer does not say what it should.

    Attributes:
        error: what ``query_many`` had in the answer's place, or what is wrong with the answer.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


@attrs.frozen
class Comparison:
    """A prompt compared with several others at once.

    Attributes:
        compared: those others, as a set of bits.
        closest: the closest of them; None where all of them are further away than was asked for,
            and the service does not say how far.
    """

    compared: int
    closest: Match | None


class CacheContext:
    """A context that only this run uses.

    Sets of prompts are integers with a bit for each prompt, so that those of ten thousand prompts
    are compared at once.

    Attributes:
        held: the prompts that are in it for certain.
    """

    def __init__(self, name: str, prompts: Sequence[str]) -> None:
        self.held = 0
        self._name = name
        self._prompts = prompts
        # None for those that may be in it all the same, as storing them has failed.
        self._answers: dict[int, str | None] = {}
        self._indexes: dict[str, int] = {}

    def compare(self, index: int, least: float = ALWAYS_HITS) -> Asking[Comparison]:
        """Asks which prompt in it comes closest to a prompt, if it scores ``least`` or more.

        If none does, the service has stored the prompt itself.
        """
        compared = self.held
        try:
            (answer,) = yield from self._ask([index], least)
        except PromptFailed:
            if least > ALWAYS_HITS:
                self._answers.setdefault(index, None)
            raise
        if not answer.cache_hit:
            # With ``least`` 0, that is a prompt which the service cannot compare with the others.
            nearest = self._nearest_of(answer)
            self._hold(index, answer.response)
            return Comparison(compared, nearest)
        if answer.similarity_score is None:
            raise PromptFailed(
                APIResponseError("a hit came without a similarity_score, which tuning needs")
            )
        found = yield from self._find(answer)
        self._hold(found, answer.response)
        compared |= 1 << found
        return Comparison(compared, Match(found, answer.similarity_score, answer.cost_saved))

    def store(self, members: int) -> Asking[None]:
        """Has the service store those of these prompts that it does not hold yet."""
        missing = list(bits(members & ~self.held))
        if not missing:
            return
        results = yield [Ask(self._prompts[index], _NEVER_HITS, self._name) for index in missing]
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
                        f"a prompt was answered from the cache, with a score of "
                        f"{answer.similarity_score}, at a threshold of {_NEVER_HITS:g}, though "
                        f"it is new in the context {self._name!r}: scores are too coarse to tell "
                        "these prompts apart"
                    )
                )
            else:
                self._hold(index, answer.response)
        if failed is not None:
            raise failed

    def price_asks(self, index: int) -> Ask:
        """The query that says what being answered by a prompt in it saves."""
        return Ask(self._prompts[index], ALWAYS_HITS, self._name)

    def _hold(self, index: int, answer: str) -> None:
        self.held |= 1 << index
        self._answers[index] = answer

    def _ask(self, indexes: Sequence[int], threshold: float) -> Asking[list[VectorcacheResponse]]:
        results = yield [Ask(self._prompts[index], threshold, self._name) for index in indexes]
        return [_answer(result) for result in results]

    def _nearest_of(self, answer: VectorcacheResponse) -> Match | None:
        """The prompt that came nearest, where the service names it, as the embedded one does."""
        extra = {} if answer.debug is None else answer.debug.extra
        prompt, score = extra.get("nearest_prompt"), extra.get("nearest_similarity_score")
        if not isinstance(score, int | float):
            return None
        found = [index for index in self._answers if self._prompts[index] == prompt]
        return Match(found[0], score, None) if len(found) == 1 else None

    def _find(self, answer: VectorcacheResponse) -> Asking[int]:
        """Which prompt answered: by what the service says of it, else by its answer's text."""
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
                    f"a hit's answer is that of {len(candidates)} prompts, and the service sent no "
                    "debug.matched_cache_entry_id: which of them matched cannot be told"
                )
            )
        if name:
            self._indexes[name] = found
        return found

    def _find_by_asking(self, name: str, candidates: list[int]) -> Asking[int]:
        # Each one's own text is answered by its own entry. Oldest first, as of two that score the
        # same the older one answers; and last what may not be there, whose text others answer.
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
                f"a hit names the entry {name!r} of the context {self._name!r}, which is that of "
                "none of the prompts stored there: which of them matched cannot be told"
            )
        )


def bits(members: int) -> Iterator[int]:
    """The members of a set of bits, lowest first."""
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest


def _answer(result: BatchResult) -> VectorcacheResponse:
    if result.result is None:
        assert result.error is not None
        raise PromptFailed(result.error)
    # A fallback's answer says nothing of the cache.
    if result.result.meta.error is not None:
        raise PromptFailed(result.result.meta.error)
    return result.result


def _entry_name(answer: VectorcacheResponse) -> str:
    return "" if answer.debug is None else answer.debug.matched_cache_entry_id or ""
