"""``vectorcache query``."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from .answers import debug_lines, fields_of, summary_of
from .connection import Connection
from .output import Output
from .rows.utf8 import decoded


def query(
    prompt: str | None = None,
    /,
    *,
    debug_info: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    connection: Connection = Connection(),  # noqa: B008 - it is frozen
    output: Output = Output(),  # noqa: B008
) -> None:
    """Ask one question.

    The answer goes to standard output; whether it was a hit, its score, what that saved and how
    long it took, to standard error.

    Args:
        prompt: What to ask. Without it, it is read from standard input. A prompt that begins with
            a dash comes after --.
        debug_info: Ask how the service came to its answer, too.
    """
    text = _standard_input() if prompt is None else prompt
    with connection.client() as client, output.waiting("asking"):
        result = client.query(text, include_debug=debug_info)
    output.result(fields_of(result), result.response)
    output.note(summary_of(result))
    if debug_info and not output.as_json:
        output.note(debug_lines(result))


def _standard_input() -> str:
    if sys.stdin.isatty():
        sys.stderr.write("What to ask, ended by Ctrl-D on a line of its own:\n")
    text = sys.stdin.buffer.read().decode("utf-8-sig", "surrogateescape")
    return "\n".join(decoded(text.split("\n"), "standard input")).rstrip("\r\n")
