"""Sums up the rows of a file of results."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from .._batch.result import RESULT_COLUMNS
from .._stats.recorder import Recorder
from .._stats.stats import Stats
from .exit_codes import UsageError
from .rows import Row, open_rows

# The columns that are read as texts; a file of results always has the first.
_TEXTS: Final = ("error_type", "model", "context")


def stats_of_file(path: Path) -> Stats:
    """Sums up a file that ``batch`` wrote. Its other columns are not read.

    Raises:
        UsageError: the file cannot be read, or ``batch`` did not write it.
    """
    rows = open_rows(path, _TEXTS).rows((*RESULT_COLUMNS, *_TEXTS))
    return stats_of(rows, str(path))


def stats_of(rows: Iterable[Row], name: str) -> Stats:
    """Sums up the rows that ``batch`` wrote, as a client sums up its calls.

    Args:
        rows: rows with ``RESULT_COLUMNS``, with the values of JSON, CSV or Parquet.
        name: the name of the file.

    Raises:
        UsageError: ``batch`` did not write one of the rows.
    """
    recorder = Recorder()
    for number, row in enumerate(rows, 1):
        try:
            _count(recorder, row)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"{name} is not a file of results: row {number:,} has "
                f"{_fault(row, error)}; give the OUT of vectorcache batch"
            ) from None
    return recorder.snapshot()


def _count(recorder: Recorder, row: Row) -> None:
    group = _text(row.get("model")), _text(row.get("context"))
    attempts = int(row["attempts"])
    if error := _text(row["error_type"]):
        recorder.failed(*group, error, attempts)
        return
    score = row["similarity_score"]
    recorder.answered(
        *group,
        _flag(row["cache_hit"]),
        None if score in (None, "") else float(score),
        float(row["cost_saved"]),
        float(row["elapsed"]),
        attempts,
    )


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def _flag(value: Any) -> bool:
    if value in (True, False):
        return bool(value)
    return {"true": True, "false": False}[str(value).lower()]


def _fault(row: Row, error: Exception) -> str:
    missing = [name for name in RESULT_COLUMNS if name not in row]
    return f"no column {missing[0]}" if missing else f"a value that cannot be ({error})"
