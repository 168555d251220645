"""``vectorcache batch``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from .._sync_client import VectorcacheClient
from ..errors import PERMANENT_ERRORS, InvalidRequestError, VectorcacheError
from .answers import totals_of
from .batch_asking import ask_all
from .batch_input import (
    PROMPT_COLUMN,
    check_input,
    query_of,
    refuse_result_columns,
    text_columns,
)
from .batch_resume import ResumableBatch
from .connection import Connection
from .exit_codes import ExitCode, UsageError
from .output import Output
from .result_rows import stats_of_file
from .rows import STANDARD_STREAM, FileName, Row, open_rows
from .rows.jsonl_file import JSONLinesFile, rows_of
from .streams import write
from .summary import statistics_table

_AT_LEAST_1 = validators.Number(gte=1)
_AT_LEAST_0 = validators.Number(gte=0)


def batch(
    source: Annotated[FileName, Parameter(name="IN")],
    target: Annotated[FileName, Parameter(name="OUT")],
    /,
    *,
    prompt_column: str = PROMPT_COLUMN,
    concurrency: Annotated[int, Parameter(alias="-n", validator=_AT_LEAST_1)] = 16,
    rate_limit: str | None = None,
    give_up_after: Annotated[int, Parameter(validator=_AT_LEAST_0)] = 100,
    retry_failed: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    restart: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    escape_formulas: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    connection: Connection = Connection(),  # noqa: B008 - it is frozen
    output: Output = Output(),  # noqa: B008
) -> ExitCode:
    """Ask every prompt of a file, and go on where it was stopped.

    OUT has a row for each row of IN, in the same order: its columns, then response, cache_hit,
    similarity_score, cost_saved, llm_provider, attempts, elapsed, error_type and error. It is
    there once all are asked; until then OUT.batch keeps the answers. However the program ends,
    the same words start it where it was.

    Args:
        source: The prompts: .jsonl, .csv or .parquet with a column prompt (or --prompt-column)
            and, if rows have their own, model, context and similarity_threshold. With - JSON Lines
            are read from standard input, and OUT must be -, too.
        target: The answers: .jsonl, .csv or .parquet. With - they go to standard output as JSON
            Lines, each as soon as those before it are there; this cannot be gone on with.
        prompt_column: The column of IN that has the prompts.
        concurrency: How many prompts are in progress at once.
        rate_limit: How many requests may be sent, such as 100/minute; auto for what the service
            allows.
        give_up_after: After how many failures in a row, of the network or the service, to stop;
            0 for never.
        retry_failed: Ask again what failed before.
        restart: Forget what was answered before, and OUT with it.
        escape_formulas: Write ' before each text that begins with =, +, -, @, a tab or a carriage
            return, and which a spreadsheet would run; for an OUT in CSV.
    """
    if source == STANDARD_STREAM != target:
        raise UsageError(
            "from standard input nothing could be asked again after a stop: save the prompts to a "
            "file, or let OUT be -, too"
        )
    if target == STANDARD_STREAM and (retry_failed or restart):
        raise UsageError("OUT is -: nothing is kept that --retry-failed or --restart could use")
    with connection.client(max_connections=concurrency, rate_limit=rate_limit) as client:
        if target == STANDARD_STREAM:
            if escape_formulas:
                raise UsageError("OUT is -, which has JSON Lines: --escape-formulas is for CSV")
            failed = _stream(client, source, prompt_column, concurrency, output)
        else:
            # The file that a link leads to is replaced, not the link, and has one journal.
            out = target.resolve() if target.is_symlink() else target
            texts = text_columns(prompt_column)
            job = ResumableBatch(
                open_rows(source, texts),
                open_rows(out, texts, escape_formulas=escape_formulas),
                connection.answers_depend_on() | _column_of(prompt_column),
                restart=restart,
                prompt_column=prompt_column,
            )
            with job:
                asked = 0
                if not job.finished or (retry_failed and job.kept()[1]):
                    asked = _ask(job, client, output, retry_failed, concurrency, give_up_after)
                    with output.waiting(f"writing {target}"):
                        job.finish()
            failed = _sum_up(source, target, asked, output)
    return ExitCode.SOME_FAILED if failed else ExitCode.OK


def _column_of(prompt_column: str) -> dict[str, str | None]:
    # It is None by default, as in batches that were begun before this option existed.
    return {"--prompt-column": None if prompt_column == PROMPT_COLUMN else prompt_column}


def _stream(
    client: VectorcacheClient, source: Path, prompt_column: str, concurrency: int, output: Output
) -> int:
    if source == STANDARD_STREAM:
        rows = rows_of(sys.stdin.buffer, "standard input")
    else:
        texts = text_columns(prompt_column)
        file = open_rows(source, texts)
        check_input(file, JSONLinesFile(STANDARD_STREAM, texts), prompt_column)
        rows = file.rows()
    failed = 0
    queries = _queries(rows, str(source), prompt_column)
    for item in client.query_many(queries, concurrency=concurrency):
        if isinstance(item.error, PERMANENT_ERRORS):
            raise item.error
        failed += item.error is not None
        write(sys.stdout, json.dumps({**item.id, **item.to_columns()}))
    output.note(totals_of(client.stats))
    return failed


def _queries(rows: Iterator[Row], name: str, prompt_column: str) -> Iterator[Row]:
    for row in rows:
        refuse_result_columns(row, name)
        yield {**query_of(row, prompt_column), "id": row}


def _ask(
    job: ResumableBatch,
    client: VectorcacheClient,
    output: Output,
    retry_failed: bool,
    concurrency: int,
    give_up_after: int,
) -> int:
    before, failed = job.kept()
    again = failed if retry_failed else 0
    if before:
        output.note(f"{before:,} of {job.rows:,} prompts were answered before")
    try:
        ask_all(
            client,
            job.to_ask(retry_failed=retry_failed),
            job.keep,
            output,
            concurrency=concurrency,
            total=job.rows - before + again,
            give_up_after=give_up_after,
        )
    except (VectorcacheError, KeyboardInterrupt):
        output.note(
            f"vectorcache: stopped with {job.kept()[0]:,} of {job.rows:,} prompts answered, which "
            f"{job.journal_path} keeps: the same words go on from here"
        )
        raise
    return job.rows - before + again


def _sum_up(source: Path, target: Path, asked: int, output: Output) -> int:
    with output.waiting("summing up"):
        found = stats_of_file(target)
    fields = {"input": str(source), "output": str(target), "asked": asked}
    output.drawing({**fields, "stats": found.to_dict()}, lambda: statistics_table(found))
    output.note(f"{target} is complete: {found.calls:,} rows")
    if found.failed:
        prompts = "1 prompt" if found.failed == 1 else f"{found.failed:,} prompts"
        # A prompt that was refused before it was sent would be refused again.
        refused = found.errors.get(InvalidRequestError.__name__, 0)
        advice = (
            "the column error says what to correct in the input"
            if refused == found.failed
            else "--retry-failed asks again"
        )
        output.note(f"vectorcache: {prompts} failed; {advice}")
    return found.failed
