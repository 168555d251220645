"""Standard output and standard error, whatever they lead to."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import Final, TextIO

from .api_key import without_key

# Answers come from elsewhere: in a terminal they must not move the cursor, hide what is there or
# show it in another order than it has (https://trojansource.codes). In this order: C0 and C1
# controls, bidirectional controls, separators of lines, and annotations.
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufff9-\ufffb]"
)


def prepare_streams() -> None:
    """Lets every text be written, also where a stream is closed or knows few characters."""
    # In this order, each gets its own number back, and no file that is opened later has it.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # Closed, as with ``>&-``.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            # Of what is read, a byte that cannot be decoded must not cost the rest.
            stream.reconfigure(errors="backslashreplace" if mode == "w" else "surrogateescape")


def discard_broken_output() -> None:
    """Discards the rest of standard output if its reader has ended."""
    try:
        sys.stdout.flush()
    except OSError:
        # Python would try again at its end, and complain: https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write(stream: TextIO, text: str) -> None:
    """Writes lines, without the key and, to a terminal, without control characters."""
    stream.write((shown(text) if stream.isatty() else without_key(text)) + "\n")
    stream.flush()


def shown(text: str) -> str:
    """``text`` without the key and without control characters, as a table may hold it."""
    return _CONTROLS.sub("", without_key(text))
