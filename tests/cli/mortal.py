"""The program, killed by itself at its Nth step on the disk, before that is done.

    python mortal.py N WORDS...

Steps are what changes files: each statement of SQL but for look-ups, and what is opened, renamed
or removed. With fewer steps than N it lives.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

_EVENTS = {"open", "os.rename", "os.remove", "sqlite3.connect"}


class Steps:
    """Counts the steps, and dies at the last."""

    def __init__(self, last: int, names: list[str]) -> None:
        self._left = last
        self._names = names

    def count(self, what: str) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS and any(name in str(arguments[0]) for name in self._names):
            self.count(event)

    def on_statement(self, statement: str) -> None:
        if not statement.startswith("SELECT"):
            self.count(statement)


def watch(steps: Steps, connect: Callable[..., sqlite3.Connection]) -> None:
    """Has the steps of this process counted."""

    def connect_watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
        database = connect(*arguments, **options)
        database.set_trace_callback(steps.on_statement)
        return database

    sqlite3.connect = connect_watched  # type: ignore[assignment]  # As it is called here.
    sys.addaudithook(steps.on_event)


if __name__ == "__main__":
    last, *words = sys.argv[1:]
    watch(Steps(int(last), words[1:3]), sqlite3.connect)
    from vectorcache.cli import main

    sys.exit(main(words))
