"""What ``query_many`` yields and reports."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias, TypedDict

import attrs

from .._response import VectorcacheResponse

# A prompt, or a mapping with "prompt" and whatever of "id", "model", "context",
# "similarity_threshold" and "include_debug" is its own; with ``prompt_column``, any mapping.
Prompt: TypeAlias = str | Mapping[str, Any]


class ResultColumns(TypedDict):
    """A row's columns that say what came of its prompt."""

    response: str | None
    cache_hit: bool | None
    similarity_score: float | None
    cost_saved: float | None
    llm_provider: str | None
    attempts: int
    elapsed: float | None
    error_type: str | None
    error: str | None


RESULT_COLUMNS: Final = tuple(ResultColumns.__annotations__)
"""The names of the columns that ``BatchResult.to_columns`` fills, in their order."""


@attrs.frozen
class BatchResult:
    """What came of one prompt of a batch: ``result`` or ``error``, one of them None.

    Attributes:
        index: the prompt's place in the input, from 0.
        id: the ``"id"`` of the prompt's own mapping; else its index.
        prompt: what was asked; what was given instead, if that was no prompt.
        result: the answer.
        error: why there is none.
        input: what was passed for this prompt, unchanged: the string, or the whole mapping.
    """

    index: int
    id: Any
    prompt: Any
    result: VectorcacheResponse | None = None
    error: Exception | None = None
    input: Any = attrs.field(default=None, kw_only=True)

    def unwrap(self) -> VectorcacheResponse:
        """The answer.

        Raises:
            VectorcacheError: the error there is instead, or what else the call raised.
        """
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result

    def to_columns(self) -> ResultColumns:
        """Answer and error as one flat row of a table; None where there is nothing to say.

        ``elapsed`` is in seconds, ``cost_saved`` in US dollars; ``error_type`` is the name of the
        error's class and ``error`` its message.
        """
        result, error = self.result, self.error
        if result is None:
            return {
                "response": None,
                "cache_hit": None,
                "similarity_score": None,
                "cost_saved": None,
                "llm_provider": None,
                "attempts": getattr(error, "attempts", 0),
                "elapsed": None,
                "error_type": type(error).__name__,
                "error": str(error),
            }
        return {
            "response": result.response,
            "cache_hit": result.cache_hit,
            "similarity_score": result.similarity_score,
            "cost_saved": result.cost_saved,
            "llm_provider": result.llm_provider,
            "attempts": result.meta.attempts,
            "elapsed": result.meta.elapsed,
            "error_type": None,
            "error": None,
        }


@attrs.frozen
class BatchProgress:
    """How far a batch is, as its ``progress`` callback sees it after each prompt.

    Attributes:
        done: prompts that are finished, the failed ones among them.
        total: how many there are, if that is known.
        hits: how many were answered from the cache.
        failed: how many failed.
        cost_saved: US dollars that the hits saved.
        elapsed: seconds since the batch began.
    """

    done: int
    total: int | None
    hits: int
    failed: int
    cost_saved: float
    elapsed: float


Progress: TypeAlias = Callable[[BatchProgress], object] | Literal["rich", "tqdm"]
