"""A frame of any of the libraries, as rows that are read and given back."""

from __future__ import annotations

import math
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.exceptions import DuplicateError

from ..errors import InvalidRequestError

Frame = nw.DataFrame[Any]


def frame_of(rows: object) -> Frame:
    """The rows under narwhals' face.

    Raises:
        InvalidRequestError: they are no frame, or two columns have the same name.
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
    """The frame as the kind that ``rows`` is."""
    native = frame.to_native()
    arrow = nw.dependencies.get_pyarrow()
    if arrow is not None and isinstance(rows, arrow.RecordBatch):
        columns = [column.combine_chunks() for column in native.columns]
        return arrow.RecordBatch.from_arrays(columns, schema=native.schema)
    return native


def values_of(frame: Frame, column: str) -> list[Any]:
    """A column's values, with None for whatever the library has for none, NaN included."""
    series = frame.get_column(column)
    pairs = zip(series.to_list(), series.is_null().to_list(), strict=True)
    return [None if null or _is_nan(value) else value for value, null in pairs]


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
