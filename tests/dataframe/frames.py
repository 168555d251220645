"""Each kind of frame, made from columns and read as columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

Columns = Mapping[str, list[Any]]

MAKE: dict[str, Callable[[Columns], Any]] = {
    "pandas": lambda columns: pd.DataFrame(dict(columns)),
    "polars": lambda columns: pl.DataFrame(dict(columns)),
    "table": lambda columns: pa.table(dict(columns)),
    "record batch": lambda columns: pa.RecordBatch.from_pydict(dict(columns)),
}

# Of text, truth, fraction and count, as each library writes them.
_TYPES = {
    "pandas": ("string", "boolean", "float64", "int64"),
    "polars": ("String", "Boolean", "Float64", "Int64"),
    "table": ("string", "bool", "double", "int64"),
    "record batch": ("string", "bool", "double", "int64"),
}


def columns_of(frame: Any) -> dict[str, list[Any]]:
    """The frame's columns as lists, with None for whatever the library has for none."""
    match frame:
        case pd.DataFrame():
            return {
                str(name): [None if pd.isna(value) else value for value in values]
                for name, values in frame.to_dict("list").items()
            }
        case pl.DataFrame():
            return frame.to_dict(as_series=False)
    columns: dict[str, list[Any]] = frame.to_pydict()
    return columns


def types_of(frame: Any) -> dict[str, str]:
    """The types of the frame's columns, as its library writes them."""
    match frame:
        case pd.DataFrame():
            return {str(name): kind.name for name, kind in frame.dtypes.items()}
        case pl.DataFrame():
            return {name: str(kind) for name, kind in frame.schema.items()}
    return {field.name: str(field.type) for field in frame.schema}


def result_types(kind: str) -> dict[str, str]:
    """What the types of the result columns have to be."""
    text, truth, fraction, count = _TYPES[kind]
    return {
        "response": text,
        "cache_hit": truth,
        "similarity_score": fraction,
        "cost_saved": fraction,
        "llm_provider": text,
        "attempts": count,
        "elapsed": fraction,
        "error_type": text,
        "error": text,
    }
