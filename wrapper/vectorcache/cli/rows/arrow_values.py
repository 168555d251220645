"""Converts the values of Arrow arrays to values of JSON."""

from __future__ import annotations

import base64
import math
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
from pyarrow import types

_UNITS_IN_A_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def json_values(array: pa.Array) -> list[Any]:
    """Returns the values of an array of any type.

    Decimals become texts of digits, dates and times ISO 8601, binary values base64, UUIDs their
    usual text, maps lists of pairs, and infinity and NaN None. Values of other extension types
    become what their storage holds.

    Raises:
        ValueError: a text is not UTF-8, a time zone is unknown, or a struct has a name twice.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        if kind.extension_name == "arrow.uuid":
            return [None if value is None else str(value) for value in array.to_pylist()]
        if kind.extension_name == "arrow.bool8":
            flags: list[Any] = array.to_pylist()  # The storage of this type holds numbers.
            return flags
        return json_values(array.storage)
    if types.is_dictionary(kind):
        return json_values(array.dictionary_decode())
    if types.is_struct(kind):
        return _objects(array)
    if types.is_map(kind):
        return [_pairs(item.values) if item.is_valid else None for item in array]
    if types.is_nested(kind) and not types.is_union(kind):
        # A scalar of a list has its items as an array, whatever the layout of the column.
        return [json_values(item.values) if item.is_valid else None for item in array]
    return _simple_values(array)


def text_values(array: pa.Array) -> list[Any]:
    """Returns the values of a column of texts, which old programs store as binary.

    A column of another type has the values of ``json_values``.

    Raises:
        UnicodeDecodeError: a value is not UTF-8.
    """
    kind = array.type
    if types.is_dictionary(kind):
        return text_values(array.dictionary_decode())
    if not _is_binary(kind):
        return json_values(array)
    return [None if value is None else value.decode() for value in array.to_pylist()]


def _objects(array: pa.StructArray) -> list[dict[str, Any] | None]:
    names = [field.name for field in array.type]
    if len({*names}) < len(names):
        raise ValueError(f"a struct has several fields of the same name: {', '.join(names)}")
    valid = array.is_valid().to_pylist()
    columns = [json_values(field) for field in array.flatten()]
    return [
        {name: column[row] for name, column in zip(names, columns, strict=True)} if here else None
        for row, here in enumerate(valid)
    ]


def _pairs(entries: pa.StructArray) -> list[list[Any]]:
    keys, values = map(json_values, entries.flatten())
    return [list(pair) for pair in zip(keys, values, strict=True)]


def _simple_values(array: pa.Array) -> list[Any]:
    kind = array.type
    if types.is_timestamp(kind) or types.is_time(kind) or types.is_date(kind):
        return [None if text is None else _iso(text) for text in _as_texts(array)]
    if types.is_duration(kind):
        unit = _UNITS_IN_A_SECOND[kind.unit]
        counts = array.cast(pa.int64()).to_pylist()
        return [None if count is None else _iso_duration(Decimal(count) / unit) for count in counts]
    values: list[Any] = array.to_pylist()
    if types.is_floating(kind):
        return [value if value is None or math.isfinite(value) else None for value in values]
    if types.is_decimal(kind):
        return [None if value is None else format(value, "f") for value in values]
    if _is_binary(kind):
        return [None if value is None else base64.b64encode(value).decode() for value in values]
    return values


def _is_binary(kind: pa.DataType) -> bool:
    return any(
        (
            types.is_binary(kind),
            types.is_large_binary(kind),
            types.is_fixed_size_binary(kind),
            types.is_binary_view(kind),
        )
    )


def _as_texts(array: pa.Array) -> list[str | None]:
    # Arrow itself formats them, as Python's types have no nanoseconds and no years after 9999.
    texts: list[str | None] = array.cast(pa.string()).to_pylist()
    return texts


def _iso(text: str) -> str:
    """Returns a time that Arrow wrote, such as ``2024-02-29 12:00:00+0100``, as ISO 8601."""
    text = text.replace(" ", "T", 1)
    has_offset = len(text) > 5 and text[-5] in "+-" and text[-4:].isdigit() and ":" in text
    return f"{text[:-2]}:{text[-2:]}" if has_offset else text


def _iso_duration(seconds: Decimal) -> str:
    sign = "-" if seconds < 0 else ""
    return f"{sign}PT{abs(seconds).normalize():f}S"
