"""One function from a batch of rows to a batch of rows, for either client."""

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
    """What ``query_batch`` hands on to ``query_many``."""

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

    Equal prompts that are in progress at the same time are sent once. A row that fails, one without
    a prompt included, stays in its place and says why; only what is wrong for all rows is raised,
    and before anything is sent.

    Args:
        rows: a pandas or polars ``DataFrame``, or a pyarrow ``Table`` or ``RecordBatch``.
        client: asks; it stays open.
        prompt_column: where the prompts are.
        model_column: where rows have a model of their own, if they do. A row that has none (None,
            NaN, NA) takes ``model``, else the client's. So with the next two.
        similarity_threshold_column: the same for thresholds, cosine similarity from 0 to 1.
        context_column: the same for contexts.
        options: of ``query_many``: ``model``, ``similarity_threshold``, ``context``,
            ``concurrency`` (16 queries at once), ``progress``, ``timeout`` and ``deadline``
            (seconds, by default the client's), ``max_retries``, ``extra_headers``.

    Returns:
        A frame of the same kind: the rows in their order, with their index and all of their
        columns, then ``RESULT_COLUMNS``: ``response``, ``cache_hit``, ``similarity_score``
        (cosine similarity, 0 to 1), ``cost_saved`` (US dollars), ``llm_provider``, ``attempts``,
        ``elapsed`` (seconds), and ``error_type`` and ``error`` where a row failed. Their types
        are the same whatever the rows come to; in pandas they are ``string``, ``boolean``,
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
    """Answers the prompt of each row, as ``query_batch`` does: see there."""
    _check_client(client, AsyncVectorcacheClient, "query_batch for a VectorcacheClient")
    columns = (prompt_column, model_column, similarity_threshold_column, context_column)
    batch = _RowBatch(rows, columns, options)
    async with aclosing(client.query_many(batch.prompts, **options)) as results:
        return batch.with_results([result async for result in results])


# What the columns are for, in the order in which they are passed on.
_FIELDS: Final = ("prompt", "model", "similarity_threshold", "context")


class _RowBatch(Generic[Rows]):
    """Rows that have been found fit to be asked, and to take the answers."""

    def __init__(
        self, rows: Rows, columns: Sequence[str | None], options: Mapping[str, Any]
    ) -> None:
        unknown = options.keys() - BatchOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"query_batch() got unknown options: {', '.join(sorted(unknown))}")
        self._rows = rows
        self._frame = frame_of(rows)
        # An answer that is paid for must find its place: what could be in the way is met now.
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
