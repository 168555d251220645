"""Keeps the answers of a batch in a file that survives the end of the process at any time."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from .exit_codes import FileError, UsageError
from .private_file import prepare_private, refuse_prepared

_APPLICATION_ID: Final = 0x56434241  # "VCBA", in the header of every journal.

_SCHEMA: Final = f"""
BEGIN;
DROP TABLE IF EXISTS batch;
DROP TABLE IF EXISTS answers;
CREATE TABLE batch (
    input TEXT NOT NULL,
    rows INTEGER NOT NULL,
    options TEXT NOT NULL,
    output TEXT,
    finished INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE answers (
    row INTEGER PRIMARY KEY,
    query TEXT NOT NULL,
    failed INTEGER NOT NULL,
    columns TEXT NOT NULL
);
PRAGMA application_id = {_APPLICATION_ID};
"""

# Seconds between two waits for the disk. After a power cut, the answers of about as many seconds
# are lost and asked again. A process that is killed loses nothing that it has written.
_SYNC_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Begun:
    """The batch to which a journal belongs.

    Attributes:
        input: the SHA-256 of the input.
        rows: how many rows the input has.
        options: what else the answers depend on.
        output: the SHA-256 of the output that was, or was about to be, written; None before.
        finished: whether the output has all answers.
    """

    input: str
    rows: int
    options: Mapping[str, Any]
    output: str | None = None
    finished: bool = False


class Journal:
    """The answers of one batch, by the numbers of their rows, for one process at a time.

    Args:
        path: an SQLite file, which is made if it does not exist.
        clock: seconds, monotonic.

    Raises:
        UsageError: another process uses the file, or it is not a journal.
        FileError: the file cannot be opened.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._synced = clock()
        with self._explained():
            self._prepare()
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            with self._explained():
                self._lock()
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        # SQLite gives its further files the same permissions.
        for suffix in ("-wal", "-shm", "-journal"):
            refuse_prepared(self.path.with_name(self.path.name + suffix))
        prepare_private(self.path)

    def _lock(self) -> None:
        run = self._database.execute
        # The file is locked from here until it is closed, so a second process is refused.
        run("PRAGMA locking_mode = EXCLUSIVE")
        (application,) = run("PRAGMA application_id").fetchone()
        if application != _APPLICATION_ID and run("SELECT * FROM sqlite_master").fetchone():
            raise UsageError(
                f"{self.path} is where the answers would be kept, and is a file of something "
                "else: move it away, or choose another OUT"
            )
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("BEGIN EXCLUSIVE")
        run("COMMIT")

    @property
    def begun(self) -> Begun | None:
        """The batch of the journal; None if none was begun."""
        with self._explained():
            if not self._database.execute("SELECT * FROM sqlite_master").fetchone():
                return None
            found = self._database.execute(
                "SELECT input, rows, options, output, finished FROM batch"
            ).fetchone()
        digest, rows, options, output, finished = found
        return Begun(digest, rows, json.loads(options), output, bool(finished))

    def begin(self, begun: Begun) -> None:
        """Drops all answers, and begins the journal of this batch."""
        with self._explained():
            self._database.executescript(_SCHEMA)
            self._database.execute(
                "INSERT INTO batch (input, rows, options) VALUES (?, ?, ?)",
                (begun.input, begun.rows, json.dumps(begun.options)),
            )
            self._database.execute("COMMIT")
        self._sync()

    def add(self, row: int, query: str, columns: Mapping[str, Any]) -> None:
        """Keeps the answer or the error of a row, and replaces an earlier one.

        Args:
            row: the number of the row.
            query: a digest of its query.
            columns: its result columns.
        """
        failed = columns["error_type"] is not None
        with self._explained():
            self._database.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)",
                (row, query, failed, json.dumps(columns)),
            )
        if self._clock() - self._synced >= _SYNC_SECONDS:
            self._sync()

    def has(self, row: int, query: str, *, failed: bool) -> bool:
        """Returns whether a row has an answer, or, with ``failed``, an answer or an error."""
        with self._explained():
            found = self._database.execute(
                "SELECT failed FROM answers WHERE row = ? AND query = ?", (row, query)
            ).fetchone()
        return found is not None and (failed or not found[0])

    def counts(self) -> tuple[int, int]:
        """Returns how many rows have a result, and how many of these failed."""
        with self._explained():
            count, failed = self._database.execute(
                "SELECT count(*), total(failed) FROM answers"
            ).fetchone()
        return count, int(failed)

    def results(self) -> Iterator[dict[str, Any]]:
        """Yields the result columns of all rows, in their order."""
        with self._explained():
            for (columns,) in self._database.execute("SELECT columns FROM answers ORDER BY row"):
                yield json.loads(columns)

    def will_ask(self) -> None:
        """Notes that an existing output will no longer be complete."""
        with self._explained():
            self._database.execute("UPDATE batch SET finished = 0")

    def will_write(self, output: str) -> None:
        """Notes that a file with this SHA-256 is about to become the output."""
        with self._explained():
            self._database.execute("UPDATE batch SET output = ?", (output,))
        self._sync()

    def finish(self) -> None:
        """Notes that the output is complete; answers are kept only if some rows failed."""
        _, failed = self.counts()
        with self._explained():
            self._database.execute("BEGIN")
            self._database.execute("UPDATE batch SET finished = 1")
            if not failed:
                self._database.execute("DELETE FROM answers")
            self._database.execute("COMMIT")
        self._sync()
        with suppress(sqlite3.Error):  # This only saves space.
            self._database.execute("VACUUM")

    def close(self) -> None:
        """Closes the file, so that other processes can use it."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sync(self) -> None:
        with self._explained():
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self._synced = self._clock()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(
                f"{self.path}, which is to keep the answers, cannot be opened "
                f"({error.strerror or error}): OUT must be in a folder that exists, and that you "
                "may write to"
            ) from None
        except sqlite3.Error as error:
            match getattr(error, "sqlite_errorname", ""):
                case "SQLITE_BUSY":
                    raise UsageError(
                        f"another process is at work on this batch: it has {self.path}; wait for "
                        "it, or choose another OUT"
                    ) from None
                case "SQLITE_NOTADB":
                    raise UsageError(
                        f"{self.path} is where the answers would be kept, and is a file of "
                        "something else: move it away, or choose another OUT"
                    ) from None
                case "SQLITE_CANTOPEN":
                    raise UsageError(
                        f"{self.path}, which is to keep the answers, cannot be opened: OUT must be "
                        "in a folder that exists, and that you may write to"
                    ) from None
                case "SQLITE_CORRUPT":
                    raise FileError(
                        f"{self.path}, which keeps the answers, is damaged: move it away, and "
                        "begin anew"
                    ) from error
            raise FileError(
                f"cannot keep the answers in {self.path}: {error}; correct that, and start again "
                "with the same words: what was kept before is not asked again"
            ) from error
