"""Answers the prompts of a batch of rows, with the sync or the async client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, Generic, TypedDict, TypeVar, Unpack

import httpx

from .._async_client import AsyncVectorcacheClient
from .._batch.result import BatchResult, Progress
from .._sync_client import VectorcacheClient
from ..errors import InvalidRequestError
from .frame import Frame, frame_of, like, values_of
from .result_columns import with_results

Rows = TypeVar("Rows")


class BatchOptions(TypedDict, total=False):
    """The options that ``query_batch`` passes to ``query_many``."""

    model: str | None
    similarity_threshold: float | None
    context: str | None
    concurrency: int
    progress: Progress | None
    timeout: float | httpx.Timeout | None
    deadline: float | None
    max_retries: int
    extra_headers: Mapping[str, str] | None


def query_batch(
    rows: Rows,
    client: VectorcacheClient,
    *,
    prompt_column: str = "prompt",
    model_column: str | None = None,
    similarity_threshold_column: str | None = None,
    context_column: str | None = None,
    **options: Unpack[BatchOptions],
) -> Rows:
    """Answers the prompt of each row.

    Equal prompts that are in progress at the same time are sent once. A row that fails,
    or has no prompt, stays in its place and says why. Only an error of all rows is raised, before
    anything is sent.

    Args:
        rows: a pandas or polars ``DataFrame``, or a pyarrow ``Table`` or ``RecordBatch``.
        client: the client, which stays open.
        prompt_column: the column of the prompts.
        model_column: a column with a model for each row. A row without a value (None, NaN, NA)
            takes ``model``, or else the client's.
        similarity_threshold_column: the same for thresholds, cosine similarity from 0 to 1.
        context_column: the same for contexts.
        options: the options of ``query_many``: ``model``, ``similarity_threshold``, ``context``,
            ``concurrency`` (16 queries at once), ``progress``, ``timeout`` and ``deadline``
            (seconds, by default the client's), ``max_retries``, ``extra_headers``.

    Returns:
        A frame of the same kind: the rows in their order, with their index and all of their
        columns, then ``RESULT_COLUMNS``: ``response``, ``cache_hit``, ``similarity_score``
        (cosine similarity, 0 to 1), ``cost_saved`` (US dollars), ``llm_provider``, ``attempts``,
        ``elapsed`` (seconds), and ``error_type`` and ``error`` if a row failed. The types of
        these columns never depend on the results; in pandas they are ``string``, ``boolean``,
        ``float64`` and ``int64``.

    Raises:
        InvalidRequestError: ``rows`` is not a frame, a column is missing, or one has the name of
            a result column; or an option is invalid.
        ConfigurationError: the client is closed, or the library of ``progress`` is missing.
    """
    _check_client(client, VectorcacheClient, "aquery_batch for an AsyncVectorcacheClient")
    columns = (prompt_column, model_column, similarity_threshold_column, context_column)
    batch = _RowBatch(rows, columns, options)
    return batch.with_results(list(client.query_many(batch.prompts, **options)))


async def aquery_batch(
    rows: Rows,
    client: AsyncVectorcacheClient,
    *,
    prompt_column: str = "prompt",
    model_column: str | None = None,
    similarity_threshold_column: str | None = None,
    context_column: str | None = None,
    **options: Unpack[BatchOptions],
) -> Rows:
    """Answers the prompt of each row; ``query_batch`` describes the arguments."""
    _check_client(client, AsyncVectorcacheClient, "query_batch for a VectorcacheClient")
    columns = (prompt_column, model_column, similarity_threshold_column, context_column)
    batch = _RowBatch(rows, columns, options)
    async with aclosing(client.query_many(batch.prompts, **options)) as results:
        return batch.with_results([result async for result in results])


# The fields of a query that have columns, in the order of the arguments.
_FIELDS: Final = ("prompt", "model", "similarity_threshold", "context")


class _RowBatch(Generic[Rows]):
    """Rows whose columns have been checked."""

    def __init__(
        self, rows: Rows, columns: Sequence[str | None], options: Mapping[str, Any]
    ) -> None:
        unknown = options.keys() - BatchOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"query_batch() got unknown options: {', '.join(sorted(unknown))}")
        self._rows = rows
        self._frame = frame_of(rows)
        # The result columns are added as a trial, so that no paid answer is lost by an error later.
        with_results(self._frame.head(0), [])
        self.prompts = _prompts(self._frame, dict(zip(_FIELDS, columns, strict=True)))

    def with_results(self, results: Sequence[BatchResult]) -> Rows:
        answered: Rows = like(self._rows, with_results(self._frame, results))
        return answered


def _prompts(frame: Frame, columns: Mapping[str, str | None]) -> list[Mapping[str, Any]]:
    values: dict[str, list[Any]] = {}
    for field, column in columns.items():
        if column is None and field != "prompt":
            continue
        if not isinstance(column, str) or column not in frame.columns:
            raise InvalidRequestError(
                f"{field}_column is {column!r}, and rows have no such column: they have "
                f"{', '.join(map(repr, frame.columns)) or 'none'}"
            )
        values[field] = values_of(frame, column)
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _check_client(client: object, kind: type, other: str) -> None:
    if not isinstance(client, kind):
        raise InvalidRequestError(
            f"client is of type {type(client).__name__}: pass a {kind.__name__}, or use {other}"
        )
