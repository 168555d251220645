"""The common base of files of rows."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeAlias

from ..._batch.result import RESULT_COLUMNS
from ..exit_codes import UsageError

# The values of a row, by the names of their columns.
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Survey:
    """What a first reading of a whole file shows.

    Attributes:
        rows: how many rows there are.
        columns: the names of their columns, in the order of their first appearance.
    """

    rows: int
    columns: tuple[str, ...]


class RowFile(ABC):
    """A file of rows, which are read and written one at a time.

    Args:
        path: the path of the file.
        text_columns: the columns that are read as texts, even if the file has them as binary; the
            first is the one that rows must have.
    """

    # The name of this kind in messages, and the ending of the kind that holds more types of values.
    kind: ClassVar[str]
    instead: ClassVar[str]
    # The exceptions of ``write`` for values that the file cannot hold.
    misfits: ClassVar[tuple[type[Exception], ...]] = (TypeError, ValueError, RecursionError)

    def __init__(self, path: Path, text_columns: Collection[str]) -> None:
        self.path = path
        self.text_columns = tuple(text_columns)

    @abstractmethod
    def survey(self) -> Survey:
        """Reads the file to its end.

        Raises:
            UsageError: a row cannot be read; the message says where.
        """

    @abstractmethod
    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        """Yields the rows in their order, with values of JSON.

        Args:
            columns: the columns that are needed; others may be left out. None for all.

        Raises:
            UsageError: a row cannot be read; the message says where.
        """

    @abstractmethod
    def write(self, file: BinaryIO, source: RowFile, results: Iterator[Row]) -> None:
        """Writes each row of another file, with ``RESULT_COLUMNS`` after its own columns.

        Args:
            file: the file to write to.
            source: the rows.
            results: the result columns of each row.
        """

    def check(self, source: RowFile, count: int) -> None:
        """Writes the rows of another file as a trial, without a file.

        Args:
            source: the rows.
            count: how many rows there are.

        Raises:
            UsageError: the rows cannot be written to a file of this kind; the message says why.
        """
        try:
            with open(os.devnull, "wb") as nowhere:
                self.write(nowhere, source, repeat(dict.fromkeys(RESULT_COLUMNS), count))
        except UsageError:
            raise
        except self.misfits as error:
            raise UsageError(
                f"{source.path} does not fit into {self.kind}: {error}; write to {self.instead} "
                "instead"
            ) from None
