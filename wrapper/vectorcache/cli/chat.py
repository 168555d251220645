"""``vectorcache chat``."""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
from collections.abc import Iterator
from typing import Final

from .._sync_client import VectorcacheClient
from ..errors import AuthenticationError, PermissionDeniedError, VectorcacheError
from .answers import fields_of, summary_of, totals_of
from .connection import Connection
from .exit_codes import ExitCode, UsageError
from .output import Output
from .rows.utf8 import check_decoded
from .summary import statistics_table

_COMMANDS: Final = "/stats shows the totals; quit, exit or Ctrl-D ends"


def chat(
    *,
    connection: Connection = Connection(),  # noqa: B008 - it is frozen
    output: Output = Output(),  # noqa: B008
) -> ExitCode:
    """Ask one question after the other, with running totals.

    Questions are lines of standard input. After each answer, standard error says whether it was a
    hit, its score and how long it took, and what all of them came to. A question that fails, or
    that is not UTF-8, does not end the chat, unless the key was refused. /stats shows more of the
    totals; help shows the commands; quit, exit or Ctrl-D ends. With --json, each answer is one
    line of JSON.
    """
    failed = False
    with connection.client() as client:
        if _is_interactive():
            output.note(f"Ask something, then ask it again in other words; {_COMMANDS}.")
        try:
            for number, line in _lines():
                if not _is_readable(line, number, output):
                    failed = True
                elif line == "/stats":
                    _show_totals(client, output)
                elif line.lower() == "help":
                    output.note(_COMMANDS)
                elif re.fullmatch("/[a-z]*", line):
                    output.note(f"{line} is not a command: {_COMMANDS}")
                elif not _answer(client, line, output):
                    failed = True
        finally:
            output.note(f"in all: {totals_of(client.stats)}")
    return ExitCode.SOME_FAILED if failed else ExitCode.OK


def _is_readable(line: str, number: int, output: Output) -> bool:
    try:
        check_decoded(line, "standard input", number)
    except UsageError as error:
        output.failure(error, prompt=line)
        return False
    return True


def _answer(client: VectorcacheClient, question: str, output: Output) -> bool:
    try:
        with output.waiting("asking"):
            result = client.query(question)
    except (AuthenticationError, PermissionDeniedError):
        raise  # The next question would fail, too.
    except VectorcacheError as error:
        output.failure(error, prompt=question)
        return False
    output.result({"prompt": question, **fields_of(result)}, result.response)
    output.note(f"[{summary_of(result)} | {totals_of(client.stats)}]")
    return True


def _show_totals(client: VectorcacheClient, output: Output) -> None:
    stats = client.stats
    output.drawing({"stats": stats.to_dict()}, lambda: statistics_table(stats))


def _lines() -> Iterator[tuple[int, str]]:
    """Yields the lines and their numbers, without blank ones, until the end or ``quit``."""
    if _is_interactive():
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - input() has its keys and its history then.
    for number in itertools.count(1):
        try:
            line = _read_line(number).strip()
        except EOFError:
            return
        if line.lower().removeprefix("/") in ("quit", "exit"):
            return
        if line:
            yield number, line


def _read_line(number: int) -> str:
    if not _is_interactive():
        # Text in a pipe or a file is UTF-8, whatever the encoding of the terminal is.
        encoding = "utf-8-sig" if number == 1 else "utf-8"
        line = sys.stdin.buffer.readline().decode(encoding, "surrogateescape")
    elif sys.stdout.isatty():
        return input("> ")
    else:  # Here, input() would write its prompt between the results.
        sys.stderr.write("> ")
        sys.stderr.flush()
        line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
