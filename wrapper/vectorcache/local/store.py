"""Stores the entries of a cache, in an SQLite file or in memory."""

import logging
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike
from typing import Any

import numpy as np

from .embedder import Vector
from .errors import CacheFileError, EngineClosedError

_log = logging.getLogger("vectorcache.local")

_MAGIC = b"SQLite format 3\0"
_APPLICATION_ID = 0x56434C43  # "VCLC", in the header of every cache file.
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    context TEXT NOT NULL,
    prompt_sha256 BLOB NOT NULL,
    placeholder INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    response TEXT NOT NULL,
    cost_usd REAL NOT NULL,
    embedder TEXT,
    vector BLOB,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (model, context, prompt_sha256, placeholder)
);
CREATE INDEX entries_by_segment ON entries (model, context, embedder, placeholder);
"""
_BUSY_SECONDS = 30.0

_EXACT = (
    "SELECT entry_id, prompt, response, cost_usd FROM entries WHERE model = ? AND context = ? AND "
    "prompt_sha256 = ? AND placeholder <= ? ORDER BY placeholder LIMIT 1"
)
_ENTRY = "SELECT entry_id, prompt, response, cost_usd FROM entries WHERE number = ?"
_VECTORS_AFTER = (
    "SELECT number, vector FROM entries WHERE model = ? AND context = ? AND embedder = ? AND "
    "placeholder <= ? AND number > ? ORDER BY number"
)
_ADD = (
    "INSERT INTO entries (entry_id, model, context, prompt_sha256, placeholder, prompt, response, "
    "cost_usd, embedder, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (model, context, prompt_sha256, placeholder) DO NOTHING"
)
_COUNT_AFTER = "SELECT count(*), max(number) FROM entries WHERE number > ? AND placeholder <= ?"


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored answer."""

    entry_id: str
    prompt: str
    response: str
    cost_usd: float


class Store:
    """The entries of one cache. Threads may share a store, and processes may share a file.

    An entry is on disk (WAL, ``synchronous=FULL``) when ``add`` returns. The entries of an engine
    without an LLM are placeholders; a store opened with ``placeholders=False`` never shows them.

    Args:
        path: the file, which is made if it does not exist; None to keep the entries in memory.
        placeholders: whether placeholder entries may be found.

    Raises:
        CacheFileError: the file cannot be opened, is damaged, or is not a cache of this version.
    """

    def __init__(self, path: str | PathLike[str] | None, *, placeholders: bool) -> None:
        self._name = "in memory" if path is None else os.fspath(path)
        self._shown = 1 if placeholders else 0
        self._pid = os.getpid()
        # All threads use one connection, as an in-memory database exists only on its connection.
        self._lock = threading.Lock()
        self._closed = False
        # The number of entries up to a row number. Counting 100,000 entries anew would take 9 ms.
        self._counted = (0, 0)
        # The path is made absolute, so that a later change of directory has no effect.
        database = ":memory:" if path is None or path == ":memory:" else os.path.abspath(path)
        self._refuse_other_formats(database)
        try:
            self._connection = sqlite3.connect(
                database,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise self._failure("opened", error) from error
        self._database = None if database == ":memory:" else database
        try:
            self._prepare()
            self._opened = self._file_now()
        except BaseException:
            self._connection.close()
            raise

    def exact(self, prompt: str, model: str, context: str) -> Entry | None:
        """Returns the entry of exactly this prompt, if any; a placeholder only without another."""
        row = self._row(_EXACT, (model, context, _hash(prompt), self._shown))
        return None if row is None else self._entry(row)

    def entry(self, number: int) -> Entry | None:
        """Returns the entry with a row number from ``vectors_after``; None if it is damaged."""
        row = self._row(_ENTRY, (number,))
        if row is None:
            raise CacheFileError(
                f"the cache file {self._name} lost an entry while it was open: something else "
                "changed it. Close every engine on it and open it again"
            )
        return self._entry(row)

    def vectors_after(
        self, number: int, model: str, context: str, embedder: str
    ) -> list[tuple[int, Vector]]:
        """Returns the vectors of a segment that any process has added after this row number."""
        with self._open() as connection:
            rows = connection.execute(
                _VECTORS_AFTER, (model, context, embedder, self._shown, number)
            ).fetchall()
        return [(row[0], np.frombuffer(row[1], dtype="<f4")) for row in rows]

    def add(
        self,
        prompt: str,
        model: str,
        context: str,
        response: str,
        *,
        cost_usd: float,
        placeholder: bool,
        embedder: str | None,
        vector: Vector | None,
    ) -> None:
        """Stores an answer. If the same prompt has been stored in the meantime, that one stays."""
        with self._open() as connection:
            connection.execute(
                _ADD,
                (
                    str(uuid.uuid4()),
                    model,
                    context,
                    _hash(prompt),
                    int(placeholder),
                    prompt,
                    response,
                    cost_usd,
                    None if vector is None else embedder,
                    None if vector is None else vector.astype("<f4").tobytes(),
                ),
            )

    def count(self) -> int:
        """Returns how many entries can be found, over all models and contexts."""
        with self._open() as connection:
            # Entries are never deleted, and a later one has a higher number.
            count, last = self._counted
            row = connection.execute(_COUNT_AFTER, (last, self._shown)).fetchone()
            self._counted = (count + row[0], row[1] or last)
            return self._counted[0]

    def close(self) -> None:
        """Closes the file. A second call does nothing."""
        with self._lock:
            # The connection belongs to the process that opened it.
            if not self._closed and os.getpid() == self._pid:
                self._connection.close()
            self._closed = True

    def _entry(self, row: tuple[Any, ...]) -> Entry | None:
        try:
            entry_id, prompt, response = (text.decode("utf-8") for text in row[:3])
        except UnicodeDecodeError:
            _log.warning("an entry of the cache file %s is damaged and is not used", self._name)
            return None
        return Entry(entry_id, prompt, response, row[3])

    def _row(self, sql: str, parameters: tuple[object, ...]) -> tuple[Any, ...] | None:
        with self._open() as connection:
            row: tuple[Any, ...] | None = connection.execute(sql, parameters).fetchone()
            return row

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if os.getpid() != self._pid:
            raise CacheFileError(
                f"the cache ({self._name}) was opened in another process, before a fork. Make "
                "the engine or client in the process that uses it, after the fork"
            )
        with self._lock:
            if self._closed:
                raise EngineClosedError("the local cache is closed: make a new one to go on")
            if self._file_now() != self._opened:
                raise CacheFileError(
                    f"the cache file {self._name} was removed or replaced while it was open, and "
                    "new answers would be lost. Close every client on it and stop every server on "
                    "it, remove the -wal and -shm files beside it, and open it again"
                )
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise self._failure("used", error) from error

    def _file_now(self) -> tuple[int, int] | None:
        """Returns the identity of the file at the path, which changes if the file is replaced."""
        if self._database is None:
            return None
        try:
            found = os.stat(self._database)
        except FileNotFoundError:
            return (0, 0)
        except OSError:
            # The folder may no longer be readable, for example; the open file still is.
            return self._opened
        return (found.st_dev, found.st_ino)

    def _prepare(self) -> None:
        connection = self._connection
        try:
            # One transaction prevents that two processes both find an empty file.
            connection.execute("BEGIN IMMEDIATE")
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if application == 0 and version == 0 and tables == 0:
                for statement in _SCHEMA.strip().split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            elif application != _APPLICATION_ID:
                raise CacheFileError(
                    f"{self._name} is the database of another program, so it is left alone. "
                    "Give the path of a new file or of a Vectorcache file"
                )
            elif version != _SCHEMA_VERSION:
                raise CacheFileError(
                    f"{self._name} has the layout {version} and this version reads layout "
                    f"{_SCHEMA_VERSION}. Use the version that wrote it, or give a new path"
                )
            connection.execute("COMMIT")
            self._check()
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # SQLite's own message about a text that is not UTF-8 quotes the text.
            connection.text_factory = bytes
        except sqlite3.Error as error:
            raise self._failure("opened", error) from error

    def _refuse_other_formats(self, database: str) -> None:
        # SQLite takes any file of a few bytes for an empty database.
        with suppress(OSError), open(database, "rb") as file:
            beginning = file.read(len(_MAGIC))
            if beginning and beginning != _MAGIC:
                raise CacheFileError(
                    f"{self._name} is not a database, or its beginning is damaged, so it is left "
                    "alone. Give the path of a new file or of a Vectorcache file"
                )

    def _check(self) -> None:
        """Checks the file for damage that would make every query fail, before anything is written.

        Raises:
            CacheFileError: the file is damaged.
        """
        for statement in (_EXACT, _ENTRY, _VECTORS_AFTER, _ADD, _COUNT_AFTER):
            try:
                # Compiling the statement shows a missing table, column or index.
                self._connection.execute(f"EXPLAIN {statement}", (None,) * statement.count("?"))
            except sqlite3.OperationalError as error:
                raise self._damaged(error) from error
        # This reads the whole file, which takes 8 ms for 1,000 entries.
        (found,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise self._damaged(found.splitlines()[-1])

    def _damaged(self, what: object) -> CacheFileError:
        return CacheFileError(
            f"the cache file {self._name} is damaged ({what}), and is left as it is. Close "
            "every client on it and stop every server on it. Then restore a backup of the file, or "
            "move it away (with its -wal and -shm files) to start with an empty cache"
        )

    def _failure(self, verb: str, error: sqlite3.Error) -> CacheFileError:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CORRUPT:
            return self._damaged(error)
        return CacheFileError(
            f"the cache ({self._name}) cannot be {verb}: {error}. Check that its folder exists "
            "and can be written, that the disk has room, and that the file is a Vectorcache file"
        )


def _hash(prompt: str) -> bytes:
    return sha256(prompt.encode("utf-8")).digest()
