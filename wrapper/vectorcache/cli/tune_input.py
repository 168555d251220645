"""The prompts of ``vectorcache tune``, from a file or standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .exit_codes import UsageError
from .rows import Row, open_rows
from .rows.jsonl_file import rows_of

_COLUMNS: Final = ("prompt", "label")


def read_prompts(file: str) -> list[dict[str, Any]]:
    """The prompts, and their labels where there are any, as ``vectorcache.tuning`` takes them.

    Args:
        file: a name that ends with .txt, for a prompt a line, or with what ``open_rows`` knows;
            or - for JSON Lines on standard input.

    Raises:
        UsageError: the file is at fault; the message says where.
    """
    if file == "-":
        return _with_labels(rows_of(sys.stdin.buffer, "standard input"), "standard input")
    path = Path(file)
    if path.suffix.lower() == ".txt":
        return [{"prompt": line} for line in _lines(path)]
    return _with_labels(open_rows(path).rows(_COLUMNS), file)


def _with_labels(rows: Iterator[Row], name: str) -> list[dict[str, Any]]:
    prompts = []
    for number, row in enumerate(rows, 1):
        if "prompt" not in row:
            raise UsageError(
                f"{name}, row {number:,}, has no column prompt: it has {', '.join(row) or 'none'}"
            )
        # CSV has no other way to leave a field out.
        label = None if row.get("label") == "" else row.get("label")
        prompts.append({"prompt": row["prompt"], "label": label})
    return prompts


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text: {error}") from None
    # Not splitlines(): a prompt may hold the separators that only Unicode knows.
    return [line for line in text.split("\n") if line.strip()]
