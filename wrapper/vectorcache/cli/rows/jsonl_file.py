"""Reads and writes JSON Lines: one object in each line (https://jsonlines.org)."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator
from typing import Any, BinaryIO, NoReturn

from ..exit_codes import UsageError
from .row_file import Row, RowFile, Survey
from .utf8 import not_utf8


class JSONLinesFile(RowFile):
    """Rows as JSON objects, which need not all have the same columns."""

    kind = "JSON Lines"
    instead = ".parquet"

    def survey(self) -> Survey:
        count = 0
        columns: dict[str, None] = {}
        for row in self.rows():
            count += 1
            columns.update(dict.fromkeys(row))
        return Survey(count, tuple(columns))

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        with self.path.open("rb") as lines:
            yield from rows_of(lines, str(self.path))

    def write(self, file: BinaryIO, source: RowFile, results: Iterator[Row]) -> None:
        pairs = zip(source.rows(), results, strict=True)
        file.writelines(line_of({**row, **result}) for row, result in pairs)


def rows_of(lines: Iterable[bytes], name: str) -> Iterator[Row]:
    """Yields the objects of the lines; blank lines are skipped.

    Raises:
        UsageError: a line is not a JSON object.
    """
    encoding = "utf-8-sig"
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode(encoding)
            encoding = "utf-8"
            if not text.strip():
                continue
            row = json.loads(text, parse_float=_finite, parse_constant=_refuse)
        except UnicodeDecodeError as error:
            raise not_utf8(name, number, error) from None
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name}, line {number:,}, is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise UsageError(
                f"{name}, line {number:,}, is not a JSON object: write each row like "
                '{"prompt": "What is machine learning?"}'
            )
        yield row


def line_of(row: Row) -> bytes:
    """Returns a row as a line."""
    # JSON may hold half a surrogate pair. UTF-8 cannot, so it is written as an escape.
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _refuse(name: Any) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
