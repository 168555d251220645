"""The results of ``query_many``, and the reports of its progress."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias, TypedDict

import attrs

from .._response import VectorcacheResponse

# A prompt; or a mapping with "prompt" and, optionally, "id", "model", "context",
# "similarity_threshold" and "include_debug"; with ``prompt_column``, any mapping.
Prompt: TypeAlias = str | Mapping[str, Any]


class ResultColumns(TypedDict):
    """The columns of a row that hold the result of its prompt."""

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
    """The result of one prompt of a batch. Either ``result`` or ``error`` is None.

    Attributes:
        index: the place of the prompt in the input, from 0.
        id: the ``"id"`` of the prompt's mapping, or else its index.
        prompt: the prompt; or the item of the input, if it was not a prompt.
        result: the answer.
        error: the reason for a missing answer.
        input: the item of the input for this prompt, unchanged: the string, or the whole mapping.
    """

    index: int
    id: Any
    prompt: Any
    result: VectorcacheResponse | None = None
    error: Exception | None = None
    input: Any = attrs.field(default=None, kw_only=True)

    def unwrap(self) -> VectorcacheResponse:
        """Returns the answer.

        Raises:
            VectorcacheError: the prompt failed with this error.
            Exception: what a function of the user raised, such as ``fallback``.
        """
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result

    def to_columns(self) -> ResultColumns:
        """Returns answer and error as one flat row of a table, with None for missing values.

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
    """How far a batch is; its ``progress`` function gets one after each prompt.

    Attributes:
        done: how many prompts are finished, including the failed ones.
        total: how many prompts there are; None if that is not known.
        hits: how many prompts were answered from the cache.
        failed: how many prompts failed.
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
