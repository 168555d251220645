"""What says which columns will come, before any row is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from dataframe.frames import Columns, columns_of, types_of
from servers import ScriptedServer

from vectorcache import InvalidRequestError
from vectorcache.dataframe import RESULT_COLUMNS, RESULT_DDL, empty_result


@pytest.mark.parametrize("prompts", [[], ["a", "bad"]], ids=["none", "some"])
def test_as_query_batch_makes_them(
    make: Callable[[Columns], Any], ask: Callable[..., Any], prompts: list[str]
) -> None:
    """``empty_result`` has the columns and types of the answered rows, and no rows."""
    rows = make({"id": [0, 1, *range(len(prompts))], "prompt": ["x", "y", *prompts]})[2:]
    expected = empty_result(rows)
    assert type(expected) is type(rows)
    assert types_of(expected) == types_of(ask(rows))
    assert {len(values) for values in columns_of(expected).values()} == {0}


def test_nothing_is_asked(server: ScriptedServer, make: Callable[[Columns], Any]) -> None:
    """It needs neither a client nor a key, and sends nothing."""
    empty_result(make({"anything": [1]}))
    assert server.requests == []


def test_the_index(make: Callable[[Columns], Any]) -> None:
    """In pandas the index keeps its type and its name, as Dask asks of ``meta``."""
    rows = pd.DataFrame({"prompt": ["a"]}, index=pd.DatetimeIndex(["2026-01-01"], name="day"))
    assert empty_result(rows).index.dtype == rows.index.dtype
    assert empty_result(rows).index.name == "day"


def test_a_taken_name(make: Callable[[Columns], Any]) -> None:
    """Columns that would be in the way are met when a job is planned, not in its workers."""
    with pytest.raises(InvalidRequestError, match="rows already have 'error'"):
        empty_result(make({"prompt": ["a"], "error": ["x"]}))


def test_for_spark() -> None:
    """``RESULT_DDL`` names the same columns in the words of Spark's schemas."""
    assert RESULT_DDL == (
        "response string, cache_hit boolean, similarity_score double, cost_saved double, "
        "llm_provider string, attempts bigint, elapsed double, error_type string, error string"
    )
    assert [part.split()[0] for part in RESULT_DDL.split(", ")] == list(RESULT_COLUMNS)
