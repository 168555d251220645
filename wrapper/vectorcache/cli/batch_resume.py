"""A batch from file to file that can be stopped at any time, and continued."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Self

from .._batch.result import BatchResult
from .api_key import without_own_key
from .batch_input import OPTION_COLUMNS, PROMPT_COLUMN, check_input, query_of
from .batch_journal import Begun, Journal
from .exit_codes import FileError, UsageError
from .private_file import create_private, publish
from .rows import Row, RowFile


class ResumableBatch:
    """Keeps answers in a journal beside the output, which is written when all are known.

    Args:
        source: the file of the input.
        target: the file of the output.
        options: what else the answers depend on.
        restart: whether to drop earlier answers.
        prompt_column: the column of the input that has the prompts.

    Raises:
        UsageError: one of the files is invalid, or the batch was begun with another input or
            other options.
    """

    def __init__(
        self,
        source: RowFile,
        target: RowFile,
        options: Mapping[str, Any],
        *,
        restart: bool,
        prompt_column: str = PROMPT_COLUMN,
    ) -> None:
        self._source = source
        self._prompt_column = prompt_column
        self._target = target
        path = target.path
        self.journal_path = path.with_name(f"{path.name}.batch")
        _refuse_same_file(source.path, path)
        digest = _digest_of(source.path)
        rows: int | None = None
        if not self.journal_path.exists():
            # If the batch cannot begin, no new journal is left behind.
            self._refuse_foreign_output(None)
            rows = check_input(source, target, prompt_column)
        self._journal = Journal(self.journal_path)
        try:
            begun = self._journal.begun
            self._refuse_foreign_output(begun)
            if begun is None or restart:
                if rows is None:
                    rows = check_input(source, target, prompt_column)
                begun = Begun(digest, rows, options)
                path.unlink(missing_ok=True)
                self._journal.begin(begun)
            else:
                self._refuse_changes(begun, digest, options)
            self._begun = begun
        except BaseException:
            self._journal.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()

    @property
    def rows(self) -> int:
        """How many rows the input has."""
        return self._begun.rows

    @property
    def finished(self) -> bool:
        """Whether the output was already complete."""
        return self._begun.finished and self._target.path.exists()

    def kept(self) -> tuple[int, int]:
        """Returns how many rows have a result, and how many of these are errors.

        A finished batch without errors keeps no results here.
        """
        return self._journal.counts()

    def to_ask(self, *, retry_failed: bool) -> Iterator[Row]:
        """Yields the prompts that have no answer yet, as ``query_many`` takes them."""
        self._journal.will_ask()
        rows = self._source.rows((self._prompt_column, *OPTION_COLUMNS))
        for number, row in enumerate(islice(rows, self.rows)):
            query = query_of(row, self._prompt_column)
            digest = hashlib.sha256(repr(query).encode("utf-8", "backslashreplace")).hexdigest()
            if not self._journal.has(number, digest, failed=not retry_failed):
                yield {**query, "id": (number, digest)}

    def keep(self, item: BatchResult) -> None:
        """Keeps the result of a row, so that it is not asked again."""
        columns = {
            name: without_own_key(value) if isinstance(value, str) else value
            for name, value in item.to_columns().items()
        }
        number, digest = item.id
        self._journal.add(number, digest, columns)

    def finish(self) -> None:
        """Writes the output: all rows, in the order of the input."""
        path = self._target.path
        if _digest_of(self._source.path) != self._begun.input:
            raise UsageError(
                f"{self._source.path} has changed while its prompts were asked: bring back what it "
                "was and start again with the same words, or begin anew with --restart, which "
                "forgets the answers"
            )
        part = path.with_name(f"{path.name}.batch.part")
        try:
            with create_private(part) as file:
                self._target.write(file, self._source, self._journal.results())
                file.flush()
                os.fsync(file.fileno())
            digest = _digest_of(part)
            self._refuse_foreign_output(self._begun)
            self._journal.will_write(digest)
            publish(part, path)
            part.replace(path)
            _sync_folder(path.parent)
        except OSError as error:
            raise FileError(
                f"cannot write {path}: {error.strerror or error}; correct that, and start again "
                "with the same words: all answers are kept, and nothing is asked again"
            ) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        self._journal.finish()

    def _refuse_foreign_output(self, begun: Begun | None) -> None:
        path = self._target.path
        if path.exists() and (begun is None or _digest_of(path) != begun.output):
            raise UsageError(
                f"{path} is there already, and not from this batch: move it away, or choose "
                "another OUT"
            )

    def _refuse_changes(self, begun: Begun, digest: str, options: Mapping[str, Any]) -> None:
        changes = [
            f"{name} was {begun.options.get(name)!r} and is {value!r}"
            for name, value in options.items()
            if begun.options.get(name) != value
        ]
        if digest != begun.input:
            changes.insert(0, f"{self._source.path} has other content")
        if changes:
            raise UsageError(
                f"the batch that {self.journal_path} keeps was begun otherwise: "
                f"{'; '.join(changes)}. Start again with the words it was begun with, choose "
                "another OUT, or begin anew with --restart, which forgets its answers"
            )


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_same_file(source: Path, target: Path) -> None:
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(f"IN and OUT are both {source}: give OUT another name")


def _sync_folder(path: Path) -> None:
    """Waits until the list of files in the folder is on the disk."""
    if os.name == "nt":
        return  # Windows cannot open a folder.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
