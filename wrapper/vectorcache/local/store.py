"""Where entries live: one SQLite file, or memory."""

import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike
from typing import Any

import numpy as np

from .embedder import Vector
from .errors import CacheFileError, EngineClosedError

_APPLICATION_ID = 0x56434C43  # "VCLC", in the header of every file of ours
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


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored answer."""

    entry_id: str
    prompt: str
    response: str
    cost_usd: float


class Store:
    """The entries of one cache. Safe in threads; several processes may share a file.

    An entry is on disk (WAL, ``synchronous=FULL``) when ``add`` returns. The entries of an engine
    without an LLM are placeholders; a store opened with ``placeholders=False`` never shows them.

    Args:
        path: The file, made when missing. None: in memory, gone with the process.
        placeholders: Whether placeholder entries may be found.

    Raises:
        CacheFileError: The file cannot be opened, or is not a cache of this version.
    """

    def __init__(self, path: str | PathLike[str] | None, *, placeholders: bool) -> None:
        self._name = "in memory" if path is None else os.fspath(path)
        self._shown = 1 if placeholders else 0
        self._pid = os.getpid()
        # One connection for all threads: an in-memory database exists only on its connection.
        self._lock = threading.Lock()
        self._closed = False
        # abspath, so that a later change of directory changes nothing.
        database = ":memory:" if path is None or path == ":memory:" else os.path.abspath(path)
        try:
            self._connection = sqlite3.connect(
                database,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise self._failure("opened", error) from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def exact(self, prompt: str, model: str, context: str) -> Entry | None:
        """The entry of just this prompt, if there is one; a real answer before a placeholder."""
        row = self._row(
            "SELECT entry_id, prompt, response, cost_usd FROM entries WHERE model = ? AND "
            "context = ? AND prompt_sha256 = ? AND placeholder <= ? ORDER BY placeholder LIMIT 1",
            (model, context, _hash(prompt), self._shown),
        )
        return None if row is None else Entry(*row)

    def entry(self, number: int) -> Entry:
        """The entry with this row number, as given by ``vectors_after``."""
        row = self._row(
            "SELECT entry_id, prompt, response, cost_usd FROM entries WHERE number = ?", (number,)
        )
        if row is None:
            raise CacheFileError(
                f"the cache file {self._name} lost an entry while it was open: something else "
                "changed it. Close every engine on it and open it again"
            )
        return Entry(*row)

    def vectors_after(
        self, number: int, model: str, context: str, embedder: str
    ) -> list[tuple[int, Vector]]:
        """The vectors of a segment that were added after this row number, by any process."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT number, vector FROM entries WHERE model = ? AND context = ? AND "
                "embedder = ? AND placeholder <= ? AND number > ? ORDER BY number",
                (model, context, embedder, self._shown, number),
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
        """Keep an answer. Where the same prompt was kept in the meantime, that one stays."""
        with self._open() as connection:
            connection.execute(
                "INSERT INTO entries (entry_id, model, context, prompt_sha256, placeholder, "
                "prompt, response, cost_usd, embedder, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
                "?, ?) ON CONFLICT (model, context, prompt_sha256, placeholder) DO NOTHING",
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
        """How many entries can be found here, over all models and contexts."""
        row = self._row("SELECT count(*) FROM entries WHERE placeholder <= ?", (self._shown,))
        return int(row[0]) if row is not None else 0

    def close(self) -> None:
        """Close the file. Closing twice does nothing."""
        with self._lock:
            # The connection belongs to the process that opened it.
            if not self._closed and os.getpid() == self._pid:
                self._connection.close()
            self._closed = True

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
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise self._failure("used", error) from error

    def _prepare(self) -> None:
        connection = self._connection
        try:
            # In one transaction, so that two processes cannot both find an empty file.
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
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            raise self._failure("opened", error) from error

    def _failure(self, verb: str, error: sqlite3.Error) -> CacheFileError:
        return CacheFileError(
            f"the cache ({self._name}) cannot be {verb}: {error}. Check that its folder exists "
            "and can be written, that the disk has room, and that the file is a Vectorcache file"
        )


def _hash(prompt: str) -> bytes:
    return sha256(prompt.encode("utf-8")).digest()
