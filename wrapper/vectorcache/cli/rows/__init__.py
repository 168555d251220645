"""Opens files of rows: JSON Lines, CSV and Parquet, by the ending of their names."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from ..exit_codes import UsageError
from .row_file import Row, RowFile, Survey

__all__ = ["STANDARD_STREAM", "FileName", "Row", "RowFile", "Survey", "open_rows"]

STANDARD_STREAM: Final = Path("-")


def _check_name(_: type, name: Path) -> None:
    if str(name).startswith("-") and name != STANDARD_STREAM:
        raise ValueError(
            f"{name} is not an option of this command; for a file with this name, write ./{name}."
        )


# For commands in which - is a standard stream; cyclopts alone would take it for an option.
FileName = Annotated[Path, Parameter(allow_leading_hyphen=True, validator=_check_name)]


def open_rows(
    path: Path, text_columns: Collection[str], *, escape_formulas: bool = False
) -> RowFile:
    """Returns a file of rows, by the ending of its name. Nothing is read or written yet.

    Args:
        path: the path of the file.
        text_columns: see ``RowFile``.
        escape_formulas: see ``CSVFile``.

    Raises:
        UsageError: the ending is unknown, the library for such files is not installed, or
            ``escape_formulas`` has no meaning for such files.
    """
    if escape_formulas and path.suffix.lower() != ".csv":
        raise UsageError(f"--escape-formulas has no effect on {path}: it is for an OUT in CSV")
    match path.suffix.lower():
        case ".jsonl" | ".ndjson":
            from .jsonl_file import JSONLinesFile

            return JSONLinesFile(path, text_columns)
        case ".csv":
            from .csv_file import CSVFile

            return CSVFile(path, text_columns, escape_formulas=escape_formulas)
        case ".parquet":
            try:
                from .parquet_file import ParquetFile
            except ImportError as error:
                raise UsageError(
                    f"{path}: Parquet needs pyarrow, which is not installed ({error}): "
                    "pip install pyarrow, or use .jsonl or .csv"
                ) from error
            return ParquetFile(path, text_columns)
    raise UsageError(
        f"{path}: the name must end with .jsonl (or .ndjson), .csv or .parquet, which says what "
        "the file is"
    )
