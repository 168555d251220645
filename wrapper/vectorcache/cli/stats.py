"""``vectorcache stats``."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from .output import Output
from .result_rows import stats_of, stats_of_file
from .rows import STANDARD_STREAM, FileName
from .rows.jsonl_file import rows_of
from .summary import statistics_table


def stats(
    file: Annotated[FileName, Parameter(name="FILE")],
    /,
    *,
    output: Output = Output(),  # noqa: B008 - it is frozen
) -> None:
    """Sum up a file of results.

    Counts, hit rate, US dollars saved, scores, times and errors of what vectorcache batch wrote,
    and where its rows have a model or a context, the same for each.

    Args:
        file: The OUT of vectorcache batch: .jsonl, .csv or .parquet; - for JSON Lines on standard
            input.
    """
    with output.waiting("reading"):
        if file == STANDARD_STREAM:
            found = stats_of(rows_of(sys.stdin.buffer, "standard input"), "standard input")
        else:
            found = stats_of_file(file)
    output.drawing(found.to_dict(), lambda: statistics_table(found))
