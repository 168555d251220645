"""Reads a frame of any of the libraries, and makes a frame of the same kind."""

from __future__ import annotations

import math
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.exceptions import DuplicateError

from ..errors import InvalidRequestError

Frame = nw.DataFrame[Any]


def frame_of(rows: object) -> Frame:
    """Returns the rows as a frame of narwhals.

    Raises:
        InvalidRequestError: the rows are not a frame, or two columns have the same name.
    """
    arrow = nw.dependencies.get_pyarrow()
    if arrow is not None and isinstance(rows, arrow.RecordBatch):
        rows = arrow.Table.from_batches([rows])
    try:
        return nw.from_native(rows, eager_only=True)
    except TypeError:
        raise InvalidRequestError(
            f"rows is of type {type(rows).__module__}.{type(rows).__name__}: pass a pandas or "
            "polars DataFrame, or a pyarrow Table or RecordBatch (from Ray Data by "
            'batch_format="pyarrow"); a lazy or distributed frame has to be collected, or handed '
            "over batch by batch"
        ) from None
    except DuplicateError as error:
        said = " ".join(str(error).split())
        raise InvalidRequestError(
            f"rows have several columns of one name: rename them ({said})"
        ) from None


def like(rows: object, frame: Frame) -> Any:
    """Returns the frame as one of the kind of ``rows``."""
    native = frame.to_native()
    arrow = nw.dependencies.get_pyarrow()
    if arrow is not None and isinstance(rows, arrow.RecordBatch):
        columns = [column.combine_chunks() for column in native.columns]
        return arrow.RecordBatch.from_arrays(columns, schema=native.schema)
    return native


def values_of(frame: Frame, column: str) -> list[Any]:
    """Returns the values of a column, with None for missing values, including NaN."""
    series = frame.get_column(column)
    pairs = zip(series.to_list(), series.is_null().to_list(), strict=True)
    return [None if null or _is_nan(value) else value for value, null in pairs]


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
