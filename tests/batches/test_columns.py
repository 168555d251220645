"""One result of a batch: its answer, its error, and both as the columns of a table."""

from __future__ import annotations

import pytest

from vectorcache import APITimeoutError, BatchResult, ResponseMeta, VectorcacheResponse
from vectorcache._batch.result import RESULT_COLUMNS

RESULT = VectorcacheResponse(
    True, "answer", 0.94, 0.5, "cache", meta=ResponseMeta(attempts=2, elapsed=0.25)
)
NOTHING = dict.fromkeys(RESULT_COLUMNS)


def test_an_answer() -> None:
    """``unwrap`` gives it; its columns hold all of it but debug information."""
    item = BatchResult(3, "mine", "prompt", RESULT)
    assert item.unwrap() is RESULT
    assert item.to_columns() == {
        "response": "answer",
        "cache_hit": True,
        "similarity_score": 0.94,
        "cost_saved": 0.5,
        "llm_provider": "cache",
        "attempts": 2,
        "elapsed": 0.25,
        "error_type": None,
        "error": None,
    }


def test_an_error() -> None:
    """``unwrap`` raises it; its columns say its class, its message and how often was tried."""
    error = APITimeoutError("too slow", attempts=3)
    item = BatchResult(3, "mine", "prompt", None, error)
    with pytest.raises(APITimeoutError) as caught:
        item.unwrap()
    assert caught.value is error
    assert item.to_columns() == {
        **NOTHING,
        "attempts": 3,
        "error_type": "APITimeoutError",
        "error": str(error),
    }


def test_an_error_of_something_else() -> None:
    """What a fallback raises has no attempts."""
    item = BatchResult(0, 0, "prompt", None, ZeroDivisionError("by 0"))
    assert item.to_columns() == {
        **NOTHING,
        "attempts": 0,
        "error_type": "ZeroDivisionError",
        "error": "by 0",
    }


def test_the_columns_of_both_are_the_same() -> None:
    """Answers and errors make rows of one table."""
    assert tuple(BatchResult(0, 0, "prompt", RESULT).to_columns()) == RESULT_COLUMNS
    failed = BatchResult(0, 0, "prompt", None, ZeroDivisionError())
    assert tuple(failed.to_columns()) == RESULT_COLUMNS
