"""Checks the input of a batch: its arguments, and the form of each prompt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from .._arguments import check_count
from ..errors import InvalidRequestError

_FIELDS: Final = frozenset(
    {"prompt", "id", "model", "similarity_threshold", "context", "include_debug"}
)


def prompt_fields(given: object, prompt_column: str | None) -> Mapping[str, Any]:
    """Returns the fields of a query that one item of the input has.

    Args:
        given: the item: a string or a mapping.
        prompt_column: the field of a mapping that has the prompt; then unknown fields are allowed.

    Raises:
        InvalidRequestError: the item does not have the form of a prompt.
    """
    if isinstance(given, str):
        return {"prompt": given}
    if not isinstance(given, Mapping):
        raise InvalidRequestError(
            f"a prompt of the batch is of type {type(given).__name__}: give a string, or a "
            "mapping with a prompt"
        )
    if prompt_column is not None:
        return _fields_of_row(given, prompt_column)
    unknown = [name for name in given if name not in _FIELDS]
    if unknown:
        column = "prompt" if "prompt" in given else unknown[-1]
        raise InvalidRequestError(
            f"a prompt of the batch has unknown fields: {', '.join(map(repr, unknown))}; "
            f"it may have {', '.join(sorted(_FIELDS))}. For rows of a table, name the column that "
            f"has the prompts, such as prompt_column={column!r}: then other columns are allowed, "
            "and come back in each result's input"
        )
    if "prompt" not in given:
        raise InvalidRequestError("a prompt of the batch is a mapping without the field prompt")
    return given


def _fields_of_row(row: Mapping[str, Any], prompt_column: str) -> Mapping[str, Any]:
    if prompt_column not in row:
        raise InvalidRequestError(
            f"prompt_column names {prompt_column!r}, and a row of the batch has no such column: it "
            f"has {', '.join(map(repr, row)) or 'none'}"
        )
    # In a CSV file, an empty field means that the row has no value of its own.
    own = {name: row[name] for name in _FIELDS if name in row and row[name] != ""}
    return {**own, "prompt": row[prompt_column]}


def check_batch(
    prompts: object,
    concurrency: object,
    errors: object,
    total: object,
    prompt_column: object = None,
    *,
    awaits: bool,
) -> None:
    """Checks the arguments of a batch before anything is sent.

    Raises:
        InvalidRequestError: an argument is invalid.
    """
    refuse = InvalidRequestError
    check_count("concurrency", concurrency, refuse, least=1)
    if errors not in ("return", "raise"):
        raise refuse(f'errors is {errors!r}: it is "return" or "raise"')
    if total is not None:
        check_count("total", total, refuse, least=0)
    if prompt_column is not None and not isinstance(prompt_column, str):
        raise refuse(
            f"prompt_column is of type {type(prompt_column).__name__}: give the name of a column"
        )
    if isinstance(prompts, str | bytes | Mapping):
        raise refuse(
            f"prompts is one {type(prompts).__name__}: give a list, or any iterable, of prompts"
        )
    if hasattr(prompts, "__aiter__"):
        if not awaits:
            raise refuse("prompts is an async iterable: use AsyncVectorcacheClient for that")
    elif not isinstance(prompts, Iterable):
        raise refuse(f"prompts is of type {type(prompts).__name__}, which cannot be iterated over")
