"""A batch from file to file that can be stopped at any moment, and gone on with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, Self

from .._batch_result import RESULT_COLUMNS, BatchResult
from .api_key import without_own_key
from .batch_journal import Begun, Journal
from .exit_codes import FileError, UsageError
from .rows import Row, RowFile

_OPTIONAL: Final = ("model", "context", "similarity_threshold")


class ResumableBatch:
    """Answers are kept in a journal beside the output, which appears once all are there.

    Args:
        source: the input.
        target: the output.
        options: what else the answers depend on.
        restart: whether to forget what was answered before.

    Raises:
        UsageError: one of the files is at fault, or input or options are not those that the
            batch was begun with.
    """

    def __init__(
        self, source: RowFile, target: RowFile, options: Mapping[str, Any], *, restart: bool
    ) -> None:
        self._source = source
        self._target = target
        path = target.path
        self.journal_path = path.with_name(f"{path.name}.batch")
        _refuse_same_file(source.path, path)
        digest = _digest_of(source.path)
        rows: int | None = None
        if not self.journal_path.exists():
            # Nothing is left behind where nothing can be begun.
            self._refuse_foreign_output(None)
            rows = self._check()
        self._journal = Journal(self.journal_path)
        try:
            begun = self._journal.begun
            self._refuse_foreign_output(begun)
            if begun is None or restart:
                begun = Begun(digest, self._check() if rows is None else rows, options)
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
        """Whether the output was there, and complete, when this began."""
        return self._begun.finished and self._target.path.exists()

    def kept(self) -> tuple[int, int]:
        """For how many rows there is an answer or an error, and how many have an error.

        Of a batch that is finished, and in which no row failed, nothing is kept.
        """
        return self._journal.counts()

    def to_ask(self, *, retry_failed: bool) -> Iterator[Row]:
        """What is still to be asked, as ``query_many`` takes it, and ``keep`` its results."""
        self._journal.will_ask()
        rows = self._source.rows(("prompt", *_OPTIONAL))
        for number, row in enumerate(islice(rows, self.rows)):
            query = query_of(row)
            digest = hashlib.sha256(repr(query).encode("utf-8", "backslashreplace")).hexdigest()
            if not self._journal.has(number, digest, failed=not retry_failed):
                yield {**query, "id": (number, digest)}

    def keep(self, item: BatchResult) -> None:
        """Keeps what came of a row, so that it is never asked again."""
        columns = {
            name: without_own_key(value) if isinstance(value, str) else value
            for name, value in item.to_columns().items()
        }
        number, digest = item.id
        self._journal.add(number, digest, columns)

    def finish(self) -> None:
        """Puts the output in its place: all rows, in the input's order."""
        path = self._target.path
        if _digest_of(self._source.path) != self._begun.input:
            raise UsageError(
                f"{self._source.path} has changed while its prompts were asked: bring back what it "
                "was and start again with the same words, or begin anew with --restart, which "
                "forgets the answers"
            )
        part = path.with_name(f"{path.name}.batch.part")
        try:
            self._target.write(part, self._source, self._journal.results())
            _sync(part)
            digest = _digest_of(part)
            self._refuse_foreign_output(self._begun)
            self._journal.will_write(digest)
            part.replace(path)
            _sync(path.parent)
        except OSError as error:
            raise FileError(
                f"cannot write {path}: {error.strerror or error}; correct that, and start again "
                "with the same words: all answers are kept, and nothing is asked again"
            ) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        self._journal.finish()

    def _check(self) -> int:
        """How many rows there are, once they are found fit."""
        survey = self._source.survey()
        refuse_result_columns(survey.columns, str(self._source.path))
        if "prompt" not in survey.columns and survey.rows:
            raise UsageError(
                f"{self._source.path} has no column 'prompt'; it has "
                f"{', '.join(map(repr, survey.columns)) or 'none'}"
            )
        if type(self._source) is not type(self._target):
            self._target.check(self._source)
        return survey.rows

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


def refuse_result_columns(columns: Collection[str], name: str) -> None:
    """Looks whether there is room for an answer beside the input's columns.

    Raises:
        UsageError: a column has the name of one of ``RESULT_COLUMNS``.
    """
    taken = [column for column in RESULT_COLUMNS if column in columns]
    if taken:
        raise UsageError(
            f"{name} already has {', '.join(map(repr, taken))}, where the answers go: rename what "
            "is yours, and drop what is left of an earlier answer"
        )


def query_of(row: Row) -> dict[str, Any]:
    """The row's query, as ``query_many`` takes it; what is empty is left out."""
    query = {name: row[name] for name in _OPTIONAL if row.get(name) not in (None, "")}
    threshold = query.get("similarity_threshold")
    if isinstance(threshold, str):  # CSV has texts only; one that is no number is refused later.
        with suppress(ValueError):
            query["similarity_threshold"] = float(threshold)
    return {"prompt": row.get("prompt"), **query}


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_same_file(source: Path, target: Path) -> None:
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(f"IN and OUT are both {source}: give OUT another name")


def _sync(path: Path) -> None:
    """Waits until the file, or the folder's list of files, is on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders.
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
