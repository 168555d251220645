"""``vectorcache tune``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter, validators

from ..tuning import TuningEstimate, TuningProgress, TuningReport, estimate
from ..tuning import tune as run_tuning
from ..tuning.questions import THRESHOLDS
from ..tuning.run import Progress
from ..tuning.wording import count_of
from .api_key import without_key
from .batch_input import PROMPT_COLUMN
from .connection import Connection
from .exit_codes import ExitCode, UsageError
from .output import Output
from .rows import FileName
from .tune_input import read_prompts
from .wording import in_options

_USUAL: Final = ",".join(map(str, THRESHOLDS))
_AT_LEAST_1: Final = validators.Number(gte=1)
_SHARE: Final = validators.Number(gte=0, lte=1)
_TIMES_TOLD: Final = 10


def tune(
    file: Annotated[FileName, Parameter(name="FILE")],
    /,
    *,
    prompt_column: str = PROMPT_COLUMN,
    thresholds: str = _USUAL,
    precision: Annotated[float, Parameter(validator=_SHARE)] = 0.95,
    html: Path | None = None,
    max_calls: Annotated[int | None, Parameter(validator=_AT_LEAST_1)] = None,
    max_llm_calls: Annotated[int | None, Parameter(validator=_AT_LEAST_1)] = None,
    rate_limit: str | None = None,
    dry_run: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    yes: Annotated[bool, Parameter(alias="-y", negative=(), show_default=False)] = False,
    verbose: Annotated[bool, Parameter(alias="-v", negative=(), show_default=False)] = False,
    connection: Connection = Connection(),  # noqa: B008 - it is frozen
    output: Output = Output(),  # noqa: B008
) -> ExitCode:
    """Find the threshold for your prompts.

    Says for each threshold how many prompts would have been answered from the cache, what that
    would have saved and, with labels, how many of these answers would have been right. Your cache
    is neither read nor changed: contexts of their own are used, whose names begin with --context
    (tuning, if none is given) and whose entries stay behind. Misses are answered by the LLM, and
    paid for. --verbose also shows the prompts that came closest to each threshold, and the doubtful
    pairs: those around the recommended threshold, else around --threshold.

    The exit status is 3 if some prompts failed, or the run stopped before its end.

    Args:
        file: The prompts, in the order in which they were asked: .jsonl, .csv or .parquet with a
            column prompt (or --prompt-column) and, if prompts with the same meaning are known,
            label; or .txt with a prompt a line. With - JSON Lines are read from standard input.
        prompt_column: The column of FILE that has the prompts.
        thresholds: Cosine similarities to try, 0 to 1, with commas between them.
        precision: The share of hits, 0 to 1, that should be right.
        html: Write the report as a page to this file, too.
        max_calls: Calls after which to stop.
        max_llm_calls: Misses, which are paid for, after which to stop.
        rate_limit: How many requests may be sent, such as 100/minute; auto for what the service
            allows.
        dry_run: Only say how many calls it may take.
        yes: Do not ask whether to go on.
        verbose: Show the pairs of prompts, too. --html and --json always have them.
    """
    prompts = read_prompts(str(file), prompt_column)
    tried = _numbers(thresholds)
    expected = estimate(prompts, tried)
    if dry_run:
        output.result(expected.to_dict(), _in_words(expected, connection))
        return ExitCode.OK
    if html is not None:
        _check_can_write(html)
    with connection.client(rate_limit=rate_limit) as client:
        if not (connection.local or _agreed(expected, connection, output, yes=yes)):
            output.note("nothing was asked")
            return ExitCode.OK
        with _progress(output) as progress:
            report = run_tuning(
                client,
                prompts,
                thresholds=tried,
                precision=precision,
                max_calls=max_calls,
                max_llm_calls=max_llm_calls,
                context_prefix=connection.context or "tuning",
                progress=progress,
            )
    output.result(report.to_dict(), report.table(pairs=verbose))
    if report.pairs and not (verbose or output.as_json):
        output.note("--verbose shows the pairs of prompts behind these figures")
    if html is not None:
        html.write_text(without_key(report.to_html()), encoding="utf-8")
        output.note(f"the page is {html}")
    return _end(report, output)


def _end(report: TuningReport, output: Output) -> ExitCode:
    if report.stopped is not None:
        output.note(
            f"vectorcache: stopped, with {count_of(report.not_asked, 'prompt')} not asked: "
            f"{in_options(report.stopped)}"
        )
    if report.failed:
        output.note(f"vectorcache: {count_of(len(report.failed), 'prompt')} failed; see the report")
    return ExitCode.SOME_FAILED if report.failed or report.stopped else ExitCode.OK


def _numbers(text: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise UsageError(
            f"--thresholds is {text!r}: write numbers from 0 to 1 with commas between them, such "
            "as 0.8,0.85,0.9"
        ) from None


def _check_can_write(path: Path) -> None:
    """Checks that the report can be written, before the run costs anything."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--html {path} cannot be written: name a file in a folder of yours")


def _in_words(expected: TuningEstimate, connection: Connection) -> str:
    paid = "" if connection.local else f", for which {connection.model} is paid"
    return (
        f"{count_of(expected.prompts, 'prompt')}, {expected.distinct:,} of them different, at "
        f"{count_of(len(expected.thresholds), 'threshold')}: at most "
        f"{count_of(expected.calls_at_most, 'call')}, and at most "
        f"{expected.llm_calls_at_most:,} of them misses{paid}; usually far fewer"
    )


def _agreed(expected: TuningEstimate, connection: Connection, output: Output, *, yes: bool) -> bool:
    """Returns whether the user agrees to the expected costs."""
    output.note(_in_words(expected, connection))
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "there is no terminal to ask whether to go on: add --yes; --max-llm-calls limits what "
            "is paid for, and --dry-run only says how many calls it may take"
        )
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def _progress(output: Output) -> Iterator[Progress]:
    if not sys.stderr.isatty():
        yield _Lines(output)
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True)) as bar:
        task = bar.add_task("tuning")

        def show(progress: TuningProgress) -> None:
            bar.update(
                task,
                total=progress.total,
                completed=progress.done,
                description=_calls_of(progress),
            )

        yield show


class _Lines:
    """Writes ten lines of progress, for a log."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._told = 0

    def __call__(self, progress: TuningProgress) -> None:
        tenth = progress.done * _TIMES_TOLD // progress.total
        if tenth > self._told:
            self._told = tenth
            self._output.note(
                f"{progress.done:,} of {count_of(progress.total, 'prompt')}, "
                f"{_calls_of(progress)}, {progress.failed:,} failed"
            )


def _calls_of(progress: TuningProgress) -> str:
    misses = f"{progress.llm_calls:,} {'miss' if progress.llm_calls == 1 else 'misses'}"
    return f"{count_of(progress.calls, 'call')}, {misses}"
