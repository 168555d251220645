"""A batch that can be gone on with, without a service: files, journal and output."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cli.resumable import answer_all, begin
from cli.row_files import prompts, read_rows, write_rows
from clients import KEY

from vectorcache import APITimeoutError, BatchResult
from vectorcache.cli.batch_journal import Journal
from vectorcache.cli.exit_codes import FileError, UsageError


class Disk:
    """What was brought to the disk, and what was there by then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: list[tuple[str, int, bool]] = []
        self.sizes: list[int] = []
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, handle: int) -> None:
        what = os.fstat(handle)
        kind = "folder" if stat.S_ISDIR(what.st_mode) else "file"
        self.synced.append((kind, what.st_ino, Path("out.jsonl").exists()))
        self.sizes.append(what.st_size)
        self._fsync(handle)


def test_a_power_cut_never_leaves_half_an_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """The output is on the disk before it gets its name, and its name when the batch is done."""
    write_rows("in.jsonl", prompts(3))
    with begin() as batch:
        answer_all(batch)
        disk = Disk(monkeypatch)
        batch.finish()
    assert disk.synced == [
        ("file", Path("out.jsonl").stat().st_ino, False),
        ("folder", Path.cwd().stat().st_ino, True),
    ]
    assert disk.sizes[0] == Path("out.jsonl").stat().st_size


def test_the_journal_knows_the_output_before_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies just after the output got its name knows it again as the batch's."""
    write_rows("in.jsonl", prompts(3))

    class Killed(BaseException):
        pass

    def rename(part: Path, path: Path) -> Path:
        os.rename(part, path)
        raise Killed

    with begin() as batch, monkeypatch.context() as patches:
        answer_all(batch)
        patches.setattr(Path, "replace", rename)
        with pytest.raises(Killed):
            batch.finish()
    assert len(read_rows("out.jsonl")) == 3
    with begin() as batch:
        assert not batch.finished
        assert answer_all(batch) == []
        batch.finish()
    with begin() as batch:
        assert batch.finished


def test_from_beginning_to_end() -> None:
    """Each prompt is asked once, the output has all rows in their order, and that is known."""
    rows = [{"prompt": f"prompt {number}", "own": number} for number in range(5)]
    write_rows("in.jsonl", rows)
    with begin() as batch:
        assert (batch.rows, batch.finished, batch.kept()) == (5, False, (0, 0))
        assert batch.journal_path == Path("out.jsonl.batch")
        assert answer_all(batch) == [row["prompt"] for row in rows]
        assert (batch.kept(), batch.finished) == ((5, 0), False)
        batch.finish()
    found = read_rows("out.jsonl")
    assert [(row["own"], row["response"]) for row in found] == [
        (number, f"answer to prompt {number}") for number in range(5)
    ]
    assert sorted(os.listdir()) == ["in.jsonl", "out.jsonl", "out.jsonl.batch"]
    with begin() as batch:
        assert (batch.rows, batch.finished, batch.kept()) == (5, True, (0, 0))


def test_only_what_is_left_is_asked() -> None:
    """What was kept by then is not asked again, each row by its own place."""
    write_rows("in.jsonl", [{"prompt": "same"}, {"prompt": "same"}, {"prompt": "other"}])
    with begin() as batch:
        left = batch.to_ask(retry_failed=False)
        next(left)
        row = next(left)
        batch.keep(BatchResult(1, row["id"], "same", None, APITimeoutError("too slow")))
    with begin() as batch:
        assert batch.kept() == (1, 1)
        assert [row["id"][0] for row in batch.to_ask(retry_failed=False)] == [0, 2]
        assert [row["id"][0] for row in batch.to_ask(retry_failed=True)] == [0, 1, 2]


def test_errors_are_asked_again_if_wanted() -> None:
    """A finished batch with errors keeps its answers; those that failed can be asked again."""
    write_rows("in.jsonl", [{"prompt": "good"}, {"prompt": "bad"}])
    with begin() as batch:
        answer_all(batch)
        batch.finish()
    with begin() as batch:
        assert (batch.finished, batch.kept()) == (True, (2, 1))
        assert answer_all(batch, retry_failed=True) == ["bad"]
        batch.finish()
    with begin() as batch:
        assert answer_all(batch) == []
    with begin() as batch:
        assert not batch.finished
    assert [row["error_type"] for row in read_rows("out.jsonl")] == [None, "APITimeoutError"]


def test_the_key_is_in_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that a service repeats gets into neither the journal nor the output."""
    write_rows("in.jsonl", prompts(1))
    with begin() as batch:
        (row,) = batch.to_ask(retry_failed=False)
        error = APITimeoutError(f"no answer to {KEY}")
        batch.keep(BatchResult(0, row["id"], "prompt 0", None, error))
        batch.finish()
    assert read_rows("out.jsonl")[0]["error"] == "no answer to [key removed]"
    assert not [path for path in Path().iterdir() if KEY.encode() in path.read_bytes()]


class TestAnotherBatch:
    """What it was begun with is what it goes on with."""

    @pytest.fixture(autouse=True)
    def begun(self) -> None:
        write_rows("in.jsonl", prompts(2))
        begin().__exit__()

    def test_another_option(self) -> None:
        """It names what was and what is."""
        with pytest.raises(UsageError) as caught:
            begin(threshold=0.5)
        said = str(caught.value)
        assert "out.jsonl.batch keeps was begun otherwise: threshold was 0.85 and is 0.5." in said
        assert said.endswith(
            "choose another OUT, or begin anew with --restart, which forgets its answers"
        )

    def test_another_input(self) -> None:
        """It names the file, before the options that differ."""
        write_rows("in.jsonl", prompts(3))
        with pytest.raises(UsageError) as caught:
            begin(model="other")
        said = str(caught.value)
        assert "in.jsonl has other content; model was 'm' and is 'other'." in said

    def test_begun_anew(self) -> None:
        """``restart`` forgets the answers, the options and the output, and counts again."""
        with begin() as batch:
            answer_all(batch)
            batch.finish()
        write_rows("in.jsonl", prompts(3))
        with begin(restart=True, threshold=0.5) as batch:
            assert (batch.rows, batch.kept(), batch.finished) == (3, (0, 0), False)
            assert not Path("out.jsonl").exists()
            assert len(answer_all(batch)) == 3

    def test_what_is_refused_is_let_go(self) -> None:
        """A journal that does not fit is free for the next process."""
        with pytest.raises(UsageError):
            begin(threshold=0.5)
        Journal(Path("out.jsonl.batch")).close()


class TestTheOutput:
    """It is written once all is there, and never over something else."""

    def test_something_else_is_there(self) -> None:
        """A file that is not of this batch is refused before anything is begun."""
        write_rows("in.jsonl", prompts(2))
        Path("out.jsonl").write_text("mine")
        with pytest.raises(UsageError, match=r"out.jsonl is there already, and not from this ba"):
            begin()
        assert sorted(os.listdir()) == ["in.jsonl", "out.jsonl"]
        assert Path("out.jsonl").read_text() == "mine"

    def test_another_file_has_appeared(self) -> None:
        """Nor is it overwritten at the end; the answers are kept."""
        write_rows("in.jsonl", prompts(2))
        with begin() as batch:
            answer_all(batch)
            Path("out.jsonl").write_text("mine")
            with pytest.raises(UsageError, match="move it away, or choose another OUT"):
                batch.finish()
        assert Path("out.jsonl").read_text() == "mine"
        assert sorted(os.listdir()) == ["in.jsonl", "out.jsonl", "out.jsonl.batch"]
        Path("out.jsonl").unlink()
        with begin() as batch:
            assert batch.kept() == (2, 0)

    def test_an_input_that_has_changed(self) -> None:
        """Answers are never put beside other prompts."""
        write_rows("in.jsonl", prompts(2))
        with begin() as batch:
            answer_all(batch)
            write_rows("in.jsonl", [{"prompt": "other"}, {"prompt": "prompts"}])
            with pytest.raises(
                UsageError,
                match=r"in.jsonl has changed while its prompts were asked: bring back what it was "
                r"and start again with the same words, or begin anew with --restart, which forgets "
                r"the answers$",
            ):
                batch.finish()
        assert not Path("out.jsonl").exists()

    def test_no_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It says what the system says and what to do, and leaves no part behind."""
        write_rows("in.jsonl", prompts(2))

        def fail(handle: int) -> None:
            raise OSError(28, "No space left on device")

        with begin() as batch:
            answer_all(batch)
            monkeypatch.setattr(os, "fsync", fail)
            with pytest.raises(
                FileError,
                match=r"cannot write out.jsonl: No space left .*; correct that, and start again "
                r"with the same words: all answers are kept, and nothing is asked again$",
            ):
                batch.finish()
        assert sorted(os.listdir()) == ["in.jsonl", "out.jsonl.batch"]

    def test_no_file_stays_open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is opened for the disk's sake is closed again, also when that fails."""
        write_rows("in.jsonl", prompts(2))
        handles: list[int] = []

        def fail(handle: int) -> None:
            handles.append(handle)
            raise OSError

        with begin() as batch:
            answer_all(batch)
            monkeypatch.setattr(os, "fsync", fail)
            with pytest.raises(FileError):
                batch.finish()
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(handles[0])

    def test_the_same_file(self) -> None:
        """IN and OUT are two files, by whatever names they are called."""
        write_rows("in.jsonl", prompts(2))
        for name in ("in.jsonl", "./in.jsonl"):
            with pytest.raises(UsageError, match=r"IN and OUT are both in.jsonl: give OUT another"):
                begin("in.jsonl", name)
        os.link("in.jsonl", "hard.jsonl")
        with pytest.raises(UsageError, match="IN and OUT are both"):
            begin("in.jsonl", "hard.jsonl")
