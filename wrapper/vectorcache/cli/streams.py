"""Writes to standard output and standard error, whatever they are connected to."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import Final, TextIO

from .api_key import without_key

# Answers are untrusted text. In a terminal, they must not move the cursor, hide other text or
# change its order (https://trojansource.codes). In this order: C0 and C1
# controls, bidirectional controls, separators of lines, and annotations.
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufff9-\ufffb]"
)


def prepare_streams() -> None:
    """Makes sure that any text can be written, even if a stream is closed or has few characters."""
    # In this order, each stream gets its own number back, and no later file can get it.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # The stream is closed, as with ``>&-``.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            # A byte that cannot be decoded must not prevent reading the rest.
            stream.reconfigure(errors="backslashreplace" if mode == "w" else "surrogateescape")


def discard_broken_output() -> None:
    """Discards the rest of standard output if its reader has ended."""
    try:
        sys.stdout.flush()
    except OSError:
        # Otherwise, Python would fail to flush it at its end: https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write(stream: TextIO, text: str) -> None:
    """Writes lines without the key and, in a terminal, without control characters."""
    stream.write((shown(text) if stream.isatty() else without_key(text)) + "\n")
    stream.flush()


def shown(text: str) -> str:
    """Returns ``text`` without the key and without control characters, for a table."""
    return _CONTROLS.sub("", without_key(text))
