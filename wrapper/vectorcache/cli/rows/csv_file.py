"""Reads and writes CSV (RFC 4180), with the names of the columns in the first line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

from ..._batch.result import RESULT_COLUMNS
from ..exit_codes import UsageError
from .row_file import Row, RowFile, Survey
from .utf8 import decoded

# The most characters a field may have: many answers are longer than the limit of csv itself.
_LONGEST: Final = 2**31 - 1

# Spreadsheets write semicolons in countries where the comma is the decimal sign.
_DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}

# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = re.compile(r"[=+\-@\t\r]")
_NUMBER: Final = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")


class CSVFile(RowFile):
    """Rows of texts, in which an empty text means no value.

    The delimiter is a comma, a semicolon or a tab: the one with which the first line names the
    column that rows must have. A file that is written has the delimiter of its input.

    Args:
        path: see ``RowFile``.
        text_columns: see ``RowFile``.
        escape_formulas: whether to write ``'`` before a text that a spreadsheet would run.
    """

    kind = "CSV"
    instead = ".parquet"

    def __init__(
        self, path: Path, text_columns: Collection[str], *, escape_formulas: bool = False
    ) -> None:
        super().__init__(path, text_columns)
        self._text = _escaped_text if escape_formulas else _text

    def survey(self) -> Survey:
        count = sum(1 for _ in self.rows())
        return Survey(count, tuple(next(self._records(self.delimiter()))[1]))

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        delimiter = self.delimiter()
        records = self._records(delimiter)
        _, names = next(records)
        for line, fields in records:
            if len(fields) != len(names):
                raise UsageError(
                    f"{self.path}, line {line:,}, has {len(fields)} fields, and the first line "
                    f"names {len(names)}: put quotes around what holds {_DELIMITERS[delimiter]} or "
                    "line ends"
                )
            yield dict(zip(names, fields, strict=True))

    def write(self, file: BinaryIO, source: RowFile, results: Iterator[Row]) -> None:
        columns = source.survey().columns
        delimiter = source.delimiter() if isinstance(source, CSVFile) else ","
        writer = csv.writer(_Encoder(file), delimiter=delimiter)
        writer.writerow([self._text(name) for name in (*columns, *RESULT_COLUMNS)])
        for row, result in zip(source.rows(), results, strict=True):
            values = [row.get(name) for name in columns]
            values += [result[name] for name in RESULT_COLUMNS]
            writer.writerow([self._text(value) for value in values])

    def delimiter(self) -> str:
        """The character between two fields in the first line."""
        with self._open() as lines:
            first = lines.readline()
        for delimiter in _DELIMITERS:
            # A name may have line breaks: the first line then has only a part of the name.
            if self.text_columns[0] in next(csv.reader([first], delimiter=delimiter), ()):
                return delimiter
        return ","

    def _records(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """Yields each record with the number of its last line, first that of the column names."""
        # This changes the limit of the whole process, which belongs to this program.
        csv.field_size_limit(_LONGEST)
        with self._open() as file:
            reader = csv.reader(decoded(file, str(self.path)), delimiter=delimiter, strict=True)
            try:
                names = next(reader, [])
                self._check_names(names)
                yield reader.line_num, names
                for fields in reader:
                    if fields:
                        yield reader.line_num, fields
            except csv.Error as error:
                raise UsageError(
                    f"{self.path}, at line {reader.line_num:,}, is not valid CSV: {error}"
                ) from None

    def _open(self) -> TextIO:
        # A decoder that raises would do so for a whole block, before its lines are counted.
        return self.path.open(newline="", encoding="utf-8-sig", errors="surrogateescape")

    def _check_names(self, names: list[str]) -> None:
        if not names:
            raise UsageError(f"{self.path}: the first line must name the columns")
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise UsageError(
                f"{self.path} has more than one column {', '.join(map(repr, sorted(twice)))}: "
                "rename them"
            )


class _Encoder:
    """Encodes the lines of a ``csv.writer`` for a binary file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        # JSON may hold half a surrogate pair. UTF-8 cannot, so it is written as an escape.
        return self._file.write(text.encode("utf-8", "backslashreplace"))


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
    return json.dumps(value, ensure_ascii=False)


def _escaped_text(value: Any) -> str:
    text = _text(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
