"""CSV as RFC 4180 has it: commas, quotes, and a first line that names the columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from ..._batch_result import RESULT_COLUMNS
from ..exit_codes import UsageError
from .row_file import Row, RowFile, Survey

# The most characters a field may have: csv's own limit is below that of many an answer.
_LONGEST: Final = 2**31 - 1


class CSVFile(RowFile):
    """Rows of texts; an empty text stands for none."""

    def survey(self) -> Survey:
        count = sum(1 for _ in self.rows())
        return Survey(count, tuple(next(self._records())[1]))

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        records = self._records()
        _, names = next(records)
        for line, fields in records:
            if len(fields) != len(names):
                raise UsageError(
                    f"{self.path}, line {line:,}, has {len(fields)} fields, and the first line "
                    f"names {len(names)}: put quotes around what holds commas or line ends"
                )
            yield dict(zip(names, fields, strict=True))

    def check(self, source: RowFile) -> None:
        for _ in source.rows():  # What can be read can be written.
            pass

    def write(self, path: Path, source: RowFile, results: Iterator[Row]) -> None:
        columns = source.survey().columns
        with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            writer = csv.writer(file)
            writer.writerow([*columns, *RESULT_COLUMNS])
            for row, result in zip(source.rows(), results, strict=True):
                values = [row.get(name) for name in columns]
                values += [result[name] for name in RESULT_COLUMNS]
                writer.writerow([_text(value) for value in values])

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Each record with the number of its last line; the one that names the columns first."""
        csv.field_size_limit(_LONGEST)  # It holds for the process, which is the program's own.
        with self.path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            try:
                names = next(reader, [])
                self._check_names(names)
                yield reader.line_num, names
                for fields in reader:
                    if fields:
                        yield reader.line_num, fields
            except (csv.Error, UnicodeDecodeError) as error:
                raise UsageError(
                    f"{self.path}, at line {reader.line_num:,}, is no CSV in UTF-8: {error}"
                ) from None

    def _check_names(self, names: list[str]) -> None:
        if not names:
            raise UsageError(f"{self.path}: the first line must name the columns")
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise UsageError(
                f"{self.path} has more than one column {', '.join(map(repr, sorted(twice)))}: "
                "rename them"
            )


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
    return json.dumps(value, ensure_ascii=False)
