"""The journal of a batch by itself: what it keeps, of what, and when that is on the disk."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from vectorcache.cli.batch_journal import Begun, Journal
from vectorcache.cli.exit_codes import FileError, UsageError

BEGUN = Begun("digest", 3, {"model": "m", "threshold": 0.9})
ANSWER = {"response": "answer", "error_type": None}
ERROR = {"response": None, "error_type": "RateLimitError"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.csv.batch"


def asked(journal: Journal, pragma: str) -> Any:
    return journal._database.execute(f"PRAGMA {pragma}").fetchone()[0]


def test_how_the_disk_is_waited_for(path: Path) -> None:
    """A log in WAL mode that is whole after a power cut: ``synchronous`` is NORMAL, which is 1."""
    with Journal(path) as journal:
        assert asked(journal, "journal_mode") == "wal"
        assert asked(journal, "synchronous") == 1
        assert asked(journal, "locking_mode") == "exclusive"
        assert asked(journal, "busy_timeout") == 0
        journal.begin(BEGUN)
        journal.add(0, "q", ANSWER)
        assert not journal._database.in_transaction


def test_each_second_is_brought_to_the_disk(path: Path) -> None:
    """From one second on after the last time, and not with each answer."""
    now = 100.0

    def on_disk() -> bool:
        return f"answer {row}".encode() in path.read_bytes()

    with Journal(path, clock=lambda: now) as journal:
        journal.begin(BEGUN)
        seen = []
        for row, moment in enumerate((100.5, 100.9, 101.0, 101.9, 102.0, 107.0, 107.9)):
            now = moment
            journal.add(row, "q", {**ANSWER, "response": f"answer {row}"})
            seen.append(on_disk())
    assert seen == [False, False, True, False, True, True, False]
    assert on_disk()


def test_what_is_decided_is_on_the_disk_at_once(path: Path) -> None:
    """What the batch is of, and what is about to be written, do not wait for the next second."""
    with Journal(path, clock=lambda: 0.0) as journal:
        journal.begin(Begun("digest of the input", 3, {}))
        assert b"digest of the input" in path.read_bytes()
        journal.will_write("digest of the output")
        assert b"digest of the output" in path.read_bytes()
        journal.add(0, "q", ERROR)
        journal.finish()
        assert Path(f"{path}-wal").exists()
        copy = path.with_name("copy.batch")
        copy.write_bytes(path.read_bytes())
    with Journal(copy) as journal:
        assert journal.begun == Begun("digest of the input", 3, {}, "digest of the output", True)


def test_nothing_has_been_begun(path: Path) -> None:
    """A new journal is of no batch."""
    with Journal(path) as journal:
        assert journal.begun is None


def test_what_was_begun(path: Path) -> None:
    """It says what it is of, before and after it is closed."""
    for _ in range(2):
        with Journal(path) as journal:
            if journal.begun is None:
                journal.begin(BEGUN)
            assert journal.begun == BEGUN
            assert journal.counts() == (0, 0)


def test_beginning_anew(path: Path) -> None:
    """Answers of an earlier batch are forgotten, and what was said of its output."""
    with Journal(path) as journal:
        journal.begin(BEGUN)
        journal.add(0, "q", ANSWER)
        journal.will_write("output")
        journal.finish()
        journal.begin(Begun("other", 5, {}))
        assert journal.begun == Begun("other", 5, {})
        assert (journal.counts(), list(journal.results())) == ((0, 0), [])


def test_answers(path: Path) -> None:
    """They come in the rows' order, whole, whatever order they were given in."""
    columns = {"response": "Grüße 🙂", "score": 0.94, "cache_hit": True, "error_type": None}
    with Journal(path) as journal:
        journal.begin(BEGUN)
        for row in (2, 0, 1):
            journal.add(row, f"query {row}", {**columns, "row": row})
        assert list(journal.results()) == [{**columns, "row": row} for row in range(3)]


def test_what_is_answered(path: Path) -> None:
    """A row counts as answered for the query that it was asked; an error counts if wanted."""
    with Journal(path) as journal:
        journal.begin(BEGUN)
        journal.add(0, "q", ANSWER)
        journal.add(1, "q", ERROR)
        assert [journal.has(row, "q", failed=True) for row in range(3)] == [True, True, False]
        assert [journal.has(row, "q", failed=False) for row in range(3)] == [True, False, False]
        assert not journal.has(0, "other", failed=True)
        assert journal.counts() == (2, 1)


def test_another_answer_to_the_same_row(path: Path) -> None:
    """It takes the earlier one's place."""
    with Journal(path) as journal:
        journal.begin(BEGUN)
        journal.add(0, "q", ERROR)
        journal.add(0, "q", ANSWER)
        assert journal.counts() == (1, 0)
        assert list(journal.results()) == [ANSWER]


def test_the_output_is_there(path: Path) -> None:
    """Once it has all answers nothing is kept, and no room taken; asking again undoes that."""
    with Journal(path) as journal:
        journal.begin(BEGUN)
        journal.add(0, "q", {**ANSWER, "response": 100_000 * "x"})
        journal.will_write("digest of the output")
        journal.finish()
        assert journal.begun == Begun("digest", 3, BEGUN.options, "digest of the output", True)
        assert journal.counts() == (0, 0)
        journal.will_ask()
        assert journal.begun == Begun("digest", 3, BEGUN.options, "digest of the output", False)
    assert path.stat().st_size < 50_000


def test_the_output_has_errors(path: Path) -> None:
    """All answers are kept, so that the rows that failed can be asked again."""
    with Journal(path) as journal:
        journal.begin(BEGUN)
        journal.add(0, "q", ANSWER)
        journal.add(1, "q", ERROR)
        journal.finish()
        assert journal.begun == Begun("digest", 3, BEGUN.options, None, True)
        assert journal.counts() == (2, 1)


def test_one_at_a_time(path: Path) -> None:
    """A second process is turned away at once, until the first one has closed it."""
    with (
        Journal(path),
        pytest.raises(
            UsageError,
            match=r"at work on this batch: it has .*batch; wait for it, or choose another OUT$",
        ),
    ):
        Journal(path)
    with Journal(path) as journal:
        assert journal.begun is None


def test_what_was_not_let_in_holds_nothing(path: Path) -> None:
    """A journal that could not be opened lets go of the file."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(
        UsageError,
        match=r"batch is where the answers would be kept, and is a file of something else: "
        r"move it away, or choose another OUT$",
    ):
        Journal(path)
    assert path.read_bytes() == before
    connection = sqlite3.connect(path, timeout=0)
    connection.execute("DROP TABLE theirs")
    connection.close()
    Journal(path).close()


def test_what_is_not_a_database(path: Path) -> None:
    """A file of another kind is left alone."""
    path.write_text(1_000 * "x")
    with pytest.raises(UsageError, match=r"something else: move it away, or choose another OUT$"):
        Journal(path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """It says that OUT must be in a folder that is there."""
    with pytest.raises(
        UsageError,
        match=r"opened \(No such .*\): OUT must be in a folder that exists, and that you may write "
        r"to$",
    ):
        Journal(tmp_path / "nowhere/out.batch")


def test_a_damaged_file(path: Path) -> None:
    """It says so, and what to do."""
    with Journal(path) as journal:
        journal.begin(BEGUN)
        for row in range(100):
            journal.add(row, "q", {**ANSWER, "response": 1_000 * "x"})
    data = bytearray(path.read_bytes())
    data[4_096:] = bytes(len(data) - 4_096)
    path.write_bytes(data)
    with (
        Journal(path) as journal,
        pytest.raises(FileError, match=r"is damaged: move it away, and begin anew$"),
    ):
        journal.counts()


def test_a_disk_that_is_full(path: Path) -> None:
    """What SQLite says reaches the user with what to do, and what was kept stays."""
    with Journal(path) as journal:
        journal.begin(BEGUN)
        journal.add(0, "q", ANSWER)
        journal._database.execute("PRAGMA max_page_count = 4")
        with pytest.raises(
            FileError,
            match=r"cannot keep the answers in .* disk is full; correct that, and "
            r"start again with the same words: what was kept before is not asked again$",
        ):
            journal.add(1, "q", {**ANSWER, "response": 50_000 * "x"})
        assert list(journal.results()) == [ANSWER]


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_a_link_in_its_place(path: Path, suffix: str) -> None:
    """Neither the journal nor a file that SQLite puts beside it is written through a link."""
    target = path.with_name("theirs")
    target.write_bytes(b"")
    Path(f"{path}{suffix}").symlink_to(target)
    with pytest.raises(UsageError, match=rf"batch{suffix} is a symbolic link"):
        Journal(path)
    assert target.read_bytes() == b""
    assert sorted(os.listdir(path.parent)) == sorted(["theirs", f"{path.name}{suffix}"])
