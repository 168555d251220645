"""JSON Lines: an object a line (https://jsonlines.org)."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from ..exit_codes import UsageError
from .row_file import Row, RowFile, Survey


class JSONLinesFile(RowFile):
    """Rows as JSON objects, which need not all have the same columns."""

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

    def check(self, source: RowFile) -> None:
        for _ in source.rows():  # What can be read can be written.
            pass

    def write(self, path: Path, source: RowFile, results: Iterator[Row]) -> None:
        with path.open("wb") as file:
            for row, result in zip(source.rows(), results, strict=True):
                file.write(line_of({**row, **result}))


def rows_of(lines: Iterable[bytes], name: str) -> Iterator[Row]:
    """The objects on the lines; blank ones are passed over.

    Raises:
        UsageError: a line is no object.
    """
    encoding = "utf-8-sig"
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode(encoding)
            encoding = "utf-8"
            if not text.strip():
                continue
            row = json.loads(text, parse_float=_finite, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name}, line {number:,}, is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise UsageError(
                f"{name}, line {number:,}, is no JSON object: write each row like "
                '{"prompt": "What is machine learning?"}'
            )
        yield row


def line_of(row: Row) -> bytes:
    """The row as a line."""
    # JSON may bring half of a surrogate pair, which no UTF-8 has, and only an escape can hold.
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _refuse(name: Any) -> NoReturn:
    raise ValueError(f"{name} is no value that JSON has")
