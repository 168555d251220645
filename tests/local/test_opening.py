"""What is looked at before a cache file is used."""

import os
import sqlite3
from pathlib import Path

import pytest
from local.entries import add

from vectorcache.local import CacheFileError
from vectorcache.local import store as store_module
from vectorcache.local.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.db"


def test_an_empty_file(path: Path) -> None:
    """A file that holds nothing yet becomes a cache, and says so in its header."""
    path.touch()
    Store(path, placeholders=False).close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA application_id").fetchone() == (0x56434C43,)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (
            ["CREATE TABLE theirs (x)"],
            "cache.db is the database of another program, so it is left alone. "
            "Give the path of a new file or of a Vectorcache file$",
        ),
        (["PRAGMA application_id = 7"], "cache.db is the database of another program"),
        (["PRAGMA user_version = 1"], "cache.db is the database of another program"),
        (
            [f"PRAGMA application_id = {0x56434C43}", "PRAGMA user_version = 2"],
            "cache.db has the layout 2 and this version reads layout 1",
        ),
        ([f"PRAGMA application_id = {0x56434C43}"], "cache.db has the layout 0"),
    ],
)
def test_what_is_not_ours(path: Path, statements: list[str], words: str) -> None:
    """Another program's database, or another version's, is refused and left as it is."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(CacheFileError, match=words):
        Store(path, placeholders=False)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["cache.db"]


def test_what_is_not_a_database(path: Path) -> None:
    """Any other file is refused by name."""
    path.write_bytes(b"a diary, not a database\n" * 100)
    with pytest.raises(
        CacheFileError,
        match=r"cache.db is not a database, or its beginning is damaged, so it is left alone. "
        r"Give the path of a new file or of a Vectorcache file$",
    ):
        Store(path, placeholders=False)


def test_a_part_that_is_missing(path: Path) -> None:
    """A file of ours without a table is refused when it is opened, with what to do."""
    Store(path, placeholders=False).close()
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE entries")
    connection.close()
    with pytest.raises(
        CacheFileError,
        match=r"cache.db is damaged \(no such table: entries\), and is left as it is. "
        r"Close every client on it and stop every server on it. Then restore a backup of the "
        r"file, or move it away \(with its -wal and -shm files\) to start with an empty "
        r"cache$",
    ):
        Store(path, placeholders=False)


def test_a_part_that_is_overwritten(path: Path) -> None:
    """So is one whose pages are not what they were, with what SQLite found."""
    store = Store(path, placeholders=False)
    for number in range(40):
        add(store, f"prompt {number}", 1_000 * "x")
    store.close()
    data = bytearray(path.read_bytes())
    data[8_192:20_480] = bytes(12_288)
    path.write_bytes(data)
    with pytest.raises(CacheFileError, match=r"cache.db is damaged \(\D.*\), and is left as"):
        Store(path, placeholders=False)


def test_a_file_that_another_program_writes_to(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that stays locked cannot be opened, and the message says so."""
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.0)
    Store(path, placeholders=False).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CacheFileError, match=r"cache.db\) cannot be opened: database is lock"):
        Store(path, placeholders=False)
    connection.close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """It says what cannot be opened, and what to check."""
    with pytest.raises(CacheFileError, match=r"nowhere/cache.db\) cannot be opened: unable"):
        Store(tmp_path / "nowhere/cache.db", placeholders=False)
