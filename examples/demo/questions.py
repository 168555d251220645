"""The reader's own questions, typed in or from a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress


def can_prompt() -> bool:
    """Whether a person sits at both ends."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stdout)


def typed() -> Iterator[str]:
    """What is typed in, until an empty line, ``exit`` or Ctrl-D."""
    with suppress(ImportError):
        import readline  # noqa: F401 - gives input() arrow keys and a history
    while True:
        print()
        try:
            question = input("> ").strip()
        except EOFError:
            print()
            return
        if _is_end(question) or not question:
            return
        yield question


def piped() -> Iterator[str]:
    """A question a line of standard input; none where a terminal is there and waits."""
    if sys.stdin is None or _is_terminal(sys.stdin):
        return
    for line in sys.stdin:
        question = line.strip()
        if _is_end(question):
            return
        if question:
            yield question


def is_help(question: str) -> bool:
    """Whether a line asks how this works, and not a question of its own."""
    return question.lower().lstrip("/-") in ("help", "h", "?")


def _is_end(question: str) -> bool:
    return question.lower() in ("exit", "quit")


def _is_terminal(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty())
