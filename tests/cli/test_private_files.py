"""What ``vectorcache batch`` keeps its answers in is read by its owner alone, and is never a link.

In a folder such as ``/tmp``, other users can put links where a file is going to be written.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli.conftest import CLI
from cli.row_files import prompts, read_rows, write_rows
from cli.stopped_batch import JOURNAL, WORDS, stop_after
from servers import ScriptedServer

from vectorcache.cli import private_file
from vectorcache.cli.batch_journal import Begun, Journal

PART = Path("out.jsonl.batch.part")
Link = Callable[[str, str | Path], None]
PRECIOUS = "do not overwrite"


@pytest.fixture(autouse=True)
def precious() -> Iterator[Path]:
    """A file of the user to which a link of another user leads."""
    path = Path("precious")
    path.write_text(PRECIOUS)
    os.umask(mask := os.umask(0o022))
    yield path
    os.umask(mask)
    assert path.read_text() == PRECIOUS


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize(
    ("link", "target"),
    [(os.symlink, "precious"), (os.symlink, "nowhere"), (os.link, "precious")],
)
def test_a_link_for_the_journal(
    cli: CLI, server: ScriptedServer, name: str, link: Link, target: str
) -> None:
    """A link where the journal, or SQLite's own file beside it, would be made is refused."""
    write_rows("in.jsonl", prompts(3))
    link(target, f"{JOURNAL}{name}")
    done = cli(*WORDS)
    assert done.code == 2
    assert f"out.jsonl.batch{name} is" in done.err
    assert "choose another OUT" in done.err
    assert not Path("nowhere").exists()
    assert server.requests == []


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_for_the_part(cli: CLI, echo: ScriptedServer, link: Link) -> None:
    """A link where OUT is going to be written is replaced by a file, and not followed."""
    write_rows("in.jsonl", prompts(3))
    link("precious", PART)
    assert cli(*WORDS).code == 0
    assert len(read_rows("out.jsonl")) == 3
    assert not Path("out.jsonl").is_symlink()


def test_a_link_that_comes_back(
    cli: CLI, echo: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link that is put there between the look and the opening is not followed either."""
    write_rows("in.jsonl", prompts(3))
    remove = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        remove(path, missing_ok)
        if path.name == PART.name:
            os.symlink("precious", path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        done = cli(*WORDS)
    assert done.code == 1
    assert "cannot write" in done.err
    assert not Path("out.jsonl").exists()


def test_what_is_kept_until_then(cli: CLI, echo: ScriptedServer) -> None:
    """The journal and OUT while it is written are for their owner alone, whatever the umask."""
    os.umask(0o000)
    write_rows("in.jsonl", prompts(20))
    stop_after(cli, echo, 5)
    assert mode_of(JOURNAL) == 0o600
    JOURNAL.chmod(0o644)  # As earlier versions made it.
    seen = []
    fsync = os.fsync

    def look(handle: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
        fsync(handle)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", look)
        assert cli(*WORDS).code == 0
    assert seen[0] == 0o600
    assert mode_of(JOURNAL) == 0o600


def test_what_sqlite_adds() -> None:
    """The file that SQLite puts beside the journal, which has answers as well, is private, too."""
    os.umask(0o000)
    with Journal(JOURNAL) as journal:
        journal.begin(Begun("digest", 1, {}))
        assert mode_of(Path(f"{JOURNAL}-wal")) == 0o600


def test_the_finished_output(cli: CLI, echo: ScriptedServer) -> None:
    """OUT has the rights that the umask leaves; one that is written anew keeps those it had."""
    os.umask(0o027)
    write_rows("in.jsonl", [{"prompt": "bad"}])
    assert cli(*WORDS).code == 3
    assert mode_of(Path("out.jsonl")) == 0o640
    Path("out.jsonl").chmod(0o604)
    assert cli(*WORDS, "--retry-failed").code == 3
    assert mode_of(Path("out.jsonl")) == 0o604


def test_a_file_of_another_user(
    cli: CLI, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that belongs to another user is refused, who could read and change it."""
    write_rows("in.jsonl", prompts(3))
    JOURNAL.touch()
    monkeypatch.setattr(private_file, "_geteuid", lambda: os.geteuid() + 1)
    done = cli(*WORDS)
    assert done.code == 2
    assert "is not a file that belongs to you alone" in done.err
