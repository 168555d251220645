"""Makes queries of the rows of a file, and checks that the rows fit into the output."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final

from .._batch.result import RESULT_COLUMNS
from .exit_codes import UsageError
from .rows import Row, RowFile

PROMPT_COLUMN: Final = "prompt"

# Columns whose values replace an option, for their row.
OPTION_COLUMNS: Final = ("model", "context", "similarity_threshold")


def text_columns(prompt_column: str = PROMPT_COLUMN) -> tuple[str, ...]:
    """Returns the columns that are sent as texts, first the one that each row must have."""
    return prompt_column, "model", "context"


def query_of(row: Row, prompt_column: str = PROMPT_COLUMN) -> dict[str, Any]:
    """Returns the query of a row, as ``query_many`` takes it, without empty fields."""
    query = {name: row[name] for name in OPTION_COLUMNS if row.get(name) not in (None, "")}
    threshold = query.get("similarity_threshold")
    # In CSV, all values are texts. A text that is not a number is refused later.
    if isinstance(threshold, str):
        with suppress(ValueError):
            query["similarity_threshold"] = float(threshold)
    return {"prompt": row.get(prompt_column), **query}


def check_input(source: RowFile, target: RowFile, prompt_column: str) -> int:
    """Reads the whole input as a trial, and writes it nowhere.

    Returns:
        The number of rows.

    Raises:
        UsageError: the input cannot be read, lacks the column of the prompts, has a column with
            the name of a result, or does not fit into the output.
    """
    survey = source.survey()
    refuse_result_columns(survey.columns, str(source.path))
    if prompt_column not in survey.columns and survey.rows:
        raise UsageError(
            f"{source.path} has no column {prompt_column!r}; it has "
            f"{', '.join(map(repr, survey.columns)) or 'none'}: name the column of the prompts by "
            "--prompt-column"
        )
    target.check(source, survey.rows)
    return survey.rows


def refuse_result_columns(columns: Collection[str], name: str) -> None:
    """Checks that no column of the input has the name of a result column.

    Raises:
        UsageError: a column has the name of one of ``RESULT_COLUMNS``.
    """
    taken = [column for column in RESULT_COLUMNS if column in columns]
    if taken:
        raise UsageError(
            f"{name} already has {', '.join(map(repr, taken))}, where the answers go: rename what "
            "is yours, and drop what is left of an earlier answer"
        )
