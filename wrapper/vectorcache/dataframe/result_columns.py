"""The result columns, whose types do not depend on the results."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any, Final, TypeVar, get_args, get_type_hints

import narwhals.stable.v2 as nw

from .._batch.result import RESULT_COLUMNS, BatchResult, ResultColumns
from ..errors import InvalidRequestError
from .frame import Frame, frame_of, like

Rows = TypeVar("Rows")


def _type_of(hint: Any) -> type:
    kind: type
    (kind,) = {*get_args(hint)} - {NoneType} or {hint}
    return kind


_TYPES: Final = {name: _type_of(hint) for name, hint in get_type_hints(ResultColumns).items()}

_NARWHALS: Final = {str: nw.String(), bool: nw.Boolean(), float: nw.Float64(), int: nw.Int64()}

# The plain types of pandas have no missing values, except NaN in float64, which all programs read.
_PANDAS: Final = {str: "string", bool: "boolean", float: "float64", int: "int64"}

_SPARK: Final = {str: "string", bool: "boolean", float: "double", int: "bigint"}

RESULT_DDL: Final = ", ".join(f"{name} {_SPARK[kind]}" for name, kind in _TYPES.items())
"""The result columns in the notation of Spark's schemas."""


def empty_result(rows: Rows) -> Rows:
    """Returns an empty frame with the columns of ``query_batch``, which Dask calls ``meta``.

    Args:
        rows: a frame with the columns of the input; its rows are not looked at.

    Raises:
        InvalidRequestError: it is not a frame, or has a column with the name of a result.
    """
    empty = frame_of(rows).head(0)
    result: Rows = like(rows, with_results(empty, []))
    return result


def with_results(frame: Frame, results: Sequence[BatchResult]) -> Frame:
    """Returns the rows with their results.

    Raises:
        InvalidRequestError: the rows have a column with the name of a result.
    """
    taken = [name for name in RESULT_COLUMNS if name in frame.columns]
    if taken:
        raise InvalidRequestError(
            f"rows already have {', '.join(map(repr, taken))}, where the answers go: rename what "
            "is yours, and drop what is left of an earlier answer (list(RESULT_COLUMNS))"
        )
    columns = [result.to_columns() for result in results]
    values = {name: [_storable(row[name]) for row in columns] for name in RESULT_COLUMNS}  # type: ignore[literal-required]  # They are its names.
    backend = frame.implementation
    if not backend.is_pandas_like():
        return frame.with_columns(
            nw.new_series(name, values[name], _NARWHALS[kind], backend=backend)
            for name, kind in _TYPES.items()
        )
    rows = frame.to_native()
    series = backend.to_native_namespace().Series
    added = {
        name: series(values[name], index=rows.index, dtype=_PANDAS[kind])
        for name, kind in _TYPES.items()
    }
    return nw.from_native(rows.assign(**added), eager_only=True)


def _storable(value: Any) -> Any:
    # JSON may hold half a surrogate pair, for which Arrow and polars would refuse all rows.
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
