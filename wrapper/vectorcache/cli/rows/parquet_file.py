"""Reads and writes Parquet, by pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import islice
from types import NoneType
from typing import Any, BinaryIO, Final, get_args, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from ..._batch.result import ResultColumns
from ..exit_codes import UsageError
from .arrow_values import json_values, text_values
from .row_file import Row, RowFile, Survey

# How many rows are held in memory at a time.
_BATCH: Final = 4_096

_TYPES: Final = {str: pa.string(), bool: pa.bool_(), float: pa.float64(), int: pa.int64()}


def _field(name: str, hint: Any) -> pa.Field:
    (kind,) = {*get_args(hint)} - {NoneType} or {hint}
    return pa.field(name, _TYPES[kind])


_RESULTS: Final = pa.schema(_field(*pair) for pair in get_type_hints(ResultColumns).items())


class ParquetFile(RowFile):
    """Rows whose columns have types; those of another Parquet file keep theirs."""

    kind = "a Parquet file, whose columns have one type each"
    instead = ".jsonl"
    misfits = (pa.ArrowException, OverflowError, UnicodeError)

    def survey(self) -> Survey:
        with self._reader() as file:
            names: list[str] = file.schema_arrow.names
            count = file.metadata.num_rows
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise UsageError(
                f"{self.path} has more than one column {', '.join(map(repr, sorted(twice)))}: "
                "rename them"
            )
        for _ in self.rows(self.text_columns):
            pass  # Only reading the texts shows whether they are UTF-8.
        return Survey(count, tuple(names))

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        with self._reader() as file:
            if columns is not None:
                columns = [name for name in file.schema_arrow.names if name in columns]
            before = 0
            for batch in file.iter_batches(_BATCH, columns=columns):
                names = batch.schema.names
                values = [
                    self._values(name, column, before)
                    for name, column in zip(names, batch.columns, strict=True)
                ]
                for row in zip(*values, strict=True) if values else [()] * batch.num_rows:
                    yield dict(zip(names, row, strict=True))
                before += batch.num_rows

    def write(self, file: BinaryIO, source: RowFile, results: Iterator[Row]) -> None:
        schema = _schema_of(source)
        whole = pa.schema([*schema, *_RESULTS], metadata=schema.metadata)
        with pq.ParquetWriter(file, whole) as writer:
            for batch in _batches_of(source, schema):
                found = [_clean(row) for row in islice(results, batch.num_rows)]
                answers = pa.RecordBatch.from_pylist(found, schema=_RESULTS)
                writer.write_batch(
                    pa.RecordBatch.from_arrays([*batch.columns, *answers.columns], schema=whole)
                )
            for _ in results:
                raise ValueError("there are more answers than rows")

    def _values(self, name: str, column: pa.Array, before: int) -> list[Any]:
        """Returns the values of a column; ``before`` is the number of earlier rows."""
        read = text_values if name in self.text_columns else json_values
        try:
            return read(column)
        except UnicodeDecodeError as error:
            row = before + 1 + _first_undecodable(read, column)
            raise UsageError(
                f"{self.path}, row {row:,}: the value of column {name!r} is not UTF-8 text "
                f"({error}); write the column as text, or leave the row out"
            ) from None
        except (pa.ArrowException, ValueError) as error:
            raise UsageError(
                f"{self.path}: the column {name!r} has values that no text can stand for: {error}; "
                "write to .parquet instead"
            ) from None

    def _reader(self) -> pq.ParquetFile:
        self.path.stat()  # For a missing file, Python's own error is clearer.
        try:
            return pq.ParquetFile(self.path)
        except pa.ArrowException as error:
            raise UsageError(f"{self.path} is not a Parquet file: {error}") from None


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


def _first_undecodable(read: Callable[[pa.Array], list[Any]], column: pa.Array) -> int:
    for number in range(len(column)):
        try:
            read(column.slice(number, 1))
        except UnicodeDecodeError:
            return number
    return 0


def _clean(row: Row) -> Row:
    # JSON may hold half a surrogate pair, for which Arrow would refuse the whole batch.
    return {
        name: value.encode("utf-8", "backslashreplace").decode()
        if isinstance(value, str)
        else value
        for name, value in row.items()
    }
