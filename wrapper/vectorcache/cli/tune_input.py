"""Reads the prompts of ``vectorcache tune``, from a file or standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .exit_codes import UsageError
from .rows import Row, open_rows
from .rows.jsonl_file import rows_of
from .rows.utf8 import decoded

_LABEL: Final = "label"


def read_prompts(file: str, prompt_column: str) -> list[dict[str, Any]]:
    """Returns the prompts, and their labels if there are any, as ``vectorcache.tuning`` takes them.

    Args:
        file: the name of a file: .txt with one prompt in each line, or a kind that ``open_rows``
            knows; or - for JSON Lines on standard input.
        prompt_column: the column that has the prompts; a .txt has no columns.

    Raises:
        UsageError: the file cannot be read; the message says where.
    """
    if file == "-":
        rows = rows_of(sys.stdin.buffer, "standard input")
        return _with_labels(rows, "standard input", prompt_column)
    path = Path(file)
    if path.suffix.lower() == ".txt":
        return [{"prompt": line} for line in _lines(path)]
    columns = (prompt_column, _LABEL)
    return _with_labels(open_rows(path, columns).rows(columns), file, prompt_column)


def _with_labels(rows: Iterator[Row], name: str, prompt_column: str) -> list[dict[str, Any]]:
    prompts = []
    for number, row in enumerate(rows, 1):
        if prompt_column not in row:
            raise UsageError(
                f"{name}, row {number:,}, has no column {prompt_column!r}: it has "
                f"{', '.join(row) or 'none'}; name the column of the prompts by --prompt-column"
            )
        # In CSV, an empty field is the only way to leave it out.
        label = None if row.get(_LABEL) == "" else row.get(_LABEL)
        prompts.append({"prompt": row[prompt_column], "label": label})
    return prompts


def _lines(path: Path) -> list[str]:
    text = path.read_text("utf-8-sig", errors="surrogateescape")
    # splitlines() would also split at separators of Unicode, which a prompt may hold.
    return [line for line in decoded(text.split("\n"), str(path)) if line.strip()]
