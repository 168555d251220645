"""What ``vectorcache batch`` keeps its answers in, and what can happen to that."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import CLI
from cli.programs import COMMAND, WAIT, environment
from cli.row_files import prompts, read_rows, write_rows
from cli.stopped_batch import JOURNAL, WORDS, asked, stop_after
from servers import ScriptedServer

from vectorcache.cli.batch_journal import Begun, Journal
from vectorcache.cli.exit_codes import FileError


def test_two_at_once(cli: CLI, echo: ScriptedServer) -> None:
    """A second process with the same OUT is turned away, and does no harm."""
    write_rows("in.jsonl", prompts(20))
    stop_after(cli, echo, 5)
    with Journal(JOURNAL):
        done = cli(*WORDS)
    assert done.code == 2
    assert "another process is at work on this batch" in done.err
    assert echo.requests == []
    assert cli(*WORDS).code == 0


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()


@pytest.mark.parametrize("make", [lambda path: path.write_text(1_000 * "x"), other_database])
def test_a_journal_of_something_else(cli: CLI, echo: ScriptedServer, make: Any) -> None:
    """A file of something else in the journal's place is refused, and left as it is."""
    write_rows("in.jsonl", prompts(3))
    make(JOURNAL)
    before = JOURNAL.read_bytes()
    done = cli(*WORDS)
    assert done.code == 2
    assert "is a file of something else" in done.err
    assert JOURNAL.read_bytes() == before


def test_an_empty_journal(cli: CLI, echo: ScriptedServer) -> None:
    """One that was made, and no more, before the process died, is begun."""
    write_rows("in.jsonl", prompts(3))
    JOURNAL.touch()
    assert cli(*WORDS).code == 0


def test_a_power_cut(tmp_path: Path) -> None:
    """Wherever what was written last is cut off, all before it is there, and nothing is torn."""
    path = tmp_path / "x.batch"
    columns = {"response": 300 * "x", "error_type": None}
    journal = Journal(path, clock=lambda: 0.0)
    journal.begin(Begun("digest", 20, {}))
    for row in range(20):
        journal.add(row, "q", {**columns, "row": row})
    written = path.read_bytes()
    log = Path(f"{path}-wal").read_bytes()
    journal.close()
    held = []
    for end in [*range(0, len(log), 1_009), len(log)]:
        path.write_bytes(written)
        Path(f"{path}-wal").write_bytes(log[:end] + bytes(end % 3 * 100))
        with Journal(path) as journal:
            assert journal.begun == Begun("digest", 20, {})
            found = [result["row"] for result in journal.results()]
        assert found == list(range(len(found)))
        held.append(len(found))
    assert held == sorted(held)
    assert (held[0], held[-1]) == (0, 20)


def test_what_is_on_the_disk(tmp_path: Path) -> None:
    """Once a second what was answered is brought to the disk itself, beyond any power cut."""
    path = tmp_path / "x.batch"
    now = 0.0
    with Journal(path, clock=lambda: now) as journal:
        journal.begin(Begun("digest", 2, {}))
        before = path.read_bytes()
        journal.add(0, "q", {"response": "first answer", "error_type": None})
        assert path.read_bytes() == before
        now = 1.0
        journal.add(1, "q", {"response": "second answer", "error_type": None})
        assert b"first answer" in path.read_bytes()
        assert b"second answer" in path.read_bytes()


def test_a_damaged_journal(cli: CLI, echo: ScriptedServer) -> None:
    """One whose middle is broken is said to be, and nothing is asked in the dark."""
    write_rows("in.jsonl", prompts(200))
    stop_after(cli, echo, 150)
    data = bytearray(JOURNAL.read_bytes())
    data[4_096:] = bytes(len(data) - 4_096)
    JOURNAL.write_bytes(data)
    done = cli(*WORDS)
    assert done.code == 1
    assert "is damaged: move it away" in done.err
    assert echo.requests == []


# In blocks of 512 bytes, or 1,024 in some shells: too few for the journal; enough, but not for OUT.
@pytest.mark.parametrize("blocks", [50, 1_500])
def test_a_full_disk(echo: ScriptedServer, cli: CLI, blocks: int) -> None:
    """With no room for more, it says so; once there is, it goes on and asks nothing twice."""
    write_rows("in.jsonl", [{"prompt": f"prompt {n}", "x": 30_000 * "x"} for n in range(60)])
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f "$0"; exec "$@"', str(blocks), *COMMAND, *WORDS],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert done.returncode == 1
    assert "start again with the same words" in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("out.jsonl").exists()
    assert not list(Path().glob("*.part"))
    assert cli(*WORDS).code == 0
    assert len(read_rows("out.jsonl")) == 60
    # Only the prompts in progress were asked again; none, if only OUT had no room.
    assert sum(asked(echo).values()) - 60 <= (4 if blocks == 50 else 0)


def test_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    """What SQLite says of a disk reaches the user with what to do."""
    with Journal(tmp_path / "x.batch") as journal:
        journal.begin(Begun("digest", 2, {}))
        journal._database.execute("PRAGMA max_page_count = 4")
        with pytest.raises(FileError, match="database or disk is full; correct that, and start"):
            journal.add(0, "q", {"response": 50_000 * "x", "error_type": None})
