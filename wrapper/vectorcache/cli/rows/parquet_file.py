"""Parquet, by pyarrow."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Collection, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from types import NoneType
from typing import Any, Final, get_args, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from ..._batch_result import ResultColumns
from ..exit_codes import UsageError
from .row_file import Row, RowFile, Survey

# How many rows are in memory at a time.
_BATCH: Final = 4_096

_TYPES: Final = {str: pa.string(), bool: pa.bool_(), float: pa.float64(), int: pa.int64()}


def _field(name: str, hint: Any) -> pa.Field:
    (kind,) = {*get_args(hint)} - {NoneType} or {hint}
    return pa.field(name, _TYPES[kind])


_RESULTS: Final = pa.schema(_field(*pair) for pair in get_type_hints(ResultColumns).items())


class ParquetFile(RowFile):
    """Rows whose columns have types; those of another Parquet file keep theirs."""

    def survey(self) -> Survey:
        with self._reader() as file:
            names: list[str] = file.schema_arrow.names
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise UsageError(
                    f"{self.path} has more than one column {', '.join(map(repr, sorted(twice)))}: "
                    "rename them"
                )
            return Survey(file.metadata.num_rows, tuple(names))

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        with self._reader() as file:
            if columns is not None:
                columns = [name for name in file.schema_arrow.names if name in columns]
            for batch in file.iter_batches(_BATCH, columns=columns):
                try:
                    rows = _readable(batch).to_pylist()
                except (pa.ArrowException, ValueError) as error:
                    raise UsageError(
                        f"{self.path} has values that no text can stand for: {error}; write to "
                        ".parquet instead"
                    ) from None
                for row in rows:
                    yield {name: _plain(value) for name, value in row.items()}

    def check(self, source: RowFile) -> None:
        try:
            schema = _schema_of(source)
            pq.ParquetWriter(io.BytesIO(), schema).close()
            for _ in _batches_of(source, schema):
                pass
        except (pa.ArrowException, OverflowError, UnicodeError) as error:
            raise UsageError(
                f"{source.path} does not fit into a Parquet file, whose columns have one type "
                f"each: {error}; write to .jsonl instead"
            ) from None

    def write(self, path: Path, source: RowFile, results: Iterator[Row]) -> None:
        schema = _schema_of(source)
        whole = pa.schema([*schema, *_RESULTS], metadata=schema.metadata)
        with pq.ParquetWriter(path, whole) as writer:
            for batch in _batches_of(source, schema):
                found = [_clean(row) for row in islice(results, batch.num_rows)]
                answers = pa.RecordBatch.from_pylist(found, schema=_RESULTS)
                writer.write_batch(
                    pa.RecordBatch.from_arrays([*batch.columns, *answers.columns], schema=whole)
                )
            for _ in results:
                raise ValueError("there are more answers than rows")

    def _reader(self) -> pq.ParquetFile:
        self.path.stat()  # Python's own error says it better if there is none.
        try:
            return pq.ParquetFile(self.path)
        except pa.ArrowException as error:
            raise UsageError(f"{self.path} is no Parquet file: {error}") from None


def _schema_of(source: RowFile) -> pa.Schema:
    if isinstance(source, ParquetFile):
        with pq.ParquetFile(source.path) as file:
            return file.schema_arrow
    schema = pa.schema((name, pa.null()) for name in source.survey().columns)
    for some in _some(source.rows()):
        arrays = [pa.array([row.get(name) for row in some]) for name in schema.names]
        found = pa.schema((name, a.type) for name, a in zip(schema.names, arrays, strict=True))
        schema = pa.unify_schemas([schema, found], promote_options="permissive")
    return schema


def _batches_of(source: RowFile, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    if isinstance(source, ParquetFile):
        with pq.ParquetFile(source.path) as file:
            yield from file.iter_batches(_BATCH)
        return
    for some in _some(source.rows()):
        arrays = [pa.array([row.get(field.name) for row in some], field.type) for field in schema]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _some(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while some := list(islice(rows, _BATCH)):
        yield some


def _readable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with times as texts: Python's have no nanoseconds."""
    arrays = [
        array.cast(pa.string())
        if pa.types.is_timestamp(array.type) or pa.types.is_time(array.type)
        else array
        for array in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _plain(value: Any) -> Any:
    """What JSON can hold of a value: other numbers and times as texts, bytes in base64."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(name): _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case bytes():
            return base64.b64encode(value).decode()
        case date() | time():
            return value.isoformat()
        case Decimal() | timedelta():
            return str(value)
    return value


def _clean(row: Row) -> Row:
    # JSON may bring half of a surrogate pair, for which Arrow would refuse the whole batch.
    return {
        name: value.encode("utf-8", "backslashreplace").decode()
        if isinstance(value, str)
        else value
        for name, value in row.items()
    }
