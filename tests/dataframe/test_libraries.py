"""``query_batch``: what each library of frames has of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from dataframe.frames import columns_of
from servers import ScriptedServer

from vectorcache import InvalidRequestError

Ask = Callable[..., Any]


class TestPandas:
    """What only pandas has."""

    @pytest.mark.parametrize(
        "index",
        [
            pd.Index([7, 7, 3], name="key"),
            pd.Index(["x", None, "x"]),
            pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (0, "a")]),
            pd.DatetimeIndex(["2026-01-01"] * 3, tz="Europe/Zurich"),
        ],
        ids=["repeated", "text", "levels", "times"],
    )
    def test_the_index_stays(self, ask: Ask, index: pd.Index) -> None:
        """Whatever the index, rows keep theirs, and answers go by place and not by label."""
        rows = pd.DataFrame({"prompt": ["a", "b", "c"]}, index=index)
        answered = ask(rows)
        pd.testing.assert_index_equal(answered.index, index)
        assert answered["response"].tolist() == ["answer to a", "answer to b", "answer to c"]

    def test_the_input_stays(self, ask: Ask) -> None:
        """The frame that was given is not changed."""
        rows = pd.DataFrame({"prompt": ["a"]})
        ask(rows)
        assert list(rows.columns) == ["prompt"]

    def test_other_types_stay(self, ask: Ask) -> None:
        """Columns of any type are kept as they are."""
        rows = pd.DataFrame(
            {
                "prompt": pd.Categorical(["a", "b"]),
                "when": pd.Series([pd.Timestamp("2026-01-01"), pd.NaT]),
                "n": pd.array([1, None], dtype="Int8"),
                "any": [{"x": 1}, [2]],
                "arrow": pd.array([1.5, None], dtype="double[pyarrow]"),
            }
        )
        answered = ask(rows)
        pd.testing.assert_frame_equal(answered[list(rows.columns)], rows)
        assert answered["response"].tolist() == ["answer to a", "answer to b"]

    @pytest.mark.parametrize("none", [None, float("nan"), pd.NA, pd.NaT], ids=repr)
    @pytest.mark.parametrize("dtype", ["object", "string"])
    def test_each_kind_of_none(
        self, ask: Ask, server: ScriptedServer, none: Any, dtype: str
    ) -> None:
        """None, NaN, NA and NaT all mean that a row has none."""
        rows = pd.DataFrame(
            {
                "prompt": pd.Series(["a", none], dtype=dtype),
                "model": pd.Series([none, none], dtype=dtype),
                "context": pd.Series([none, none], dtype=dtype),
            }
        )
        columns = columns_of(ask(rows, model_column="model", context_column="context"))
        assert columns["error_type"] == [None, "InvalidRequestError"]
        assert server.requests[0].json()["model"] == "the client's"
        assert "context" not in server.requests[0].json()

    def test_names_that_are_no_text(self, ask: Ask, server: ScriptedServer) -> None:
        """Columns may be numbered, but those that are named to ``query_batch`` have names."""
        rows = pd.DataFrame({"prompt": ["a"], 0: ["b"]})
        assert list(ask(rows).columns)[:2] == ["prompt", 0]
        with pytest.raises(InvalidRequestError, match="prompt_column is 0"):
            ask(rows, prompt_column=0)
        assert [request.json()["prompt"] for request in server.requests] == ["a"]

    def test_two_columns_of_one_name(self, ask: Ask, server: ScriptedServer) -> None:
        """Two columns of the same name are refused, as either could be meant."""
        rows = pd.DataFrame([["a", "b"]], columns=["prompt", "prompt"])
        with pytest.raises(InvalidRequestError, match="several columns of one name"):
            ask(rows)
        assert server.requests == []


def test_polars_nan(ask: Ask, server: ScriptedServer) -> None:
    """In polars NaN is not null; for a threshold it means none, too."""
    rows = pl.DataFrame({"prompt": ["a"], "least": [float("nan")]})
    ask(rows, similarity_threshold_column="least")
    assert server.requests[0].json()["similarity_threshold"] == 0.85


def test_polars_categories(ask: Ask, server: ScriptedServer) -> None:
    """Categories are text."""
    rows = pl.DataFrame({"prompt": ["a"], "llm": ["m"]}, schema_overrides={"llm": pl.Categorical})
    ask(rows, model_column="llm")
    assert server.requests[0].json()["model"] == "m"


class TestArrow:
    """What only Arrow has."""

    def test_in_pieces(self, ask: Ask) -> None:
        """A table whose columns are in pieces, of which some are empty, keeps its rows."""
        pieces = [pa.array(["a", "b"]), pa.array([], pa.string()), pa.array(["c"])]
        rows = pa.table({"prompt": pa.chunked_array(pieces)})
        assert columns_of(ask(rows))["response"] == ["answer to a", "answer to b", "answer to c"]

    @pytest.mark.parametrize("text", [pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
    def test_other_kinds_of_text(self, ask: Ask, text: pa.DataType) -> None:
        """Large text and dictionaries are text."""
        rows = pa.table({"prompt": pa.array(["a"], pa.string()).cast(text)})
        answered = ask(rows)
        assert answered["response"].to_pylist() == ["answer to a"]
        assert answered.schema.field("prompt").type == text

    @pytest.mark.parametrize("kind", [pa.Table, pa.RecordBatch])
    def test_metadata(self, ask: Ask, kind: Any) -> None:
        """What a schema says of itself and of its fields stays."""
        field = pa.field("prompt", pa.string(), nullable=False, metadata={"of": "field"})
        rows = kind.from_pydict({"prompt": ["a"]}, schema=pa.schema([field], {"of": "schema"}))
        schema = ask(rows).schema
        assert schema.metadata == {b"of": b"schema"}
        assert schema.field("prompt").equals(field, check_metadata=True)
