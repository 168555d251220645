"""What is common to files of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

# A row's columns by their names.
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Survey:
    """What one look at a whole file says.

    Attributes:
        rows: how many there are.
        columns: the names of their columns, in the order in which they come.
    """

    rows: int
    columns: tuple[str, ...]


class RowFile(ABC):
    """A file of rows, read and written one after the other, never as a whole.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def survey(self) -> Survey:
        """Reads the file to its end.

        Raises:
            UsageError: a row is at fault; the message says where.
        """

    @abstractmethod
    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        """The rows in their order, with values that JSON has.

        Args:
            columns: those that are needed; others may be left out. None for all.

        Raises:
            UsageError: a row is at fault; the message says where.
        """

    @abstractmethod
    def check(self, source: RowFile) -> None:
        """Looks whether the rows of a file of another kind can be written to this one.

        Raises:
            UsageError: they cannot; the message says why.
        """

    @abstractmethod
    def write(self, path: Path, source: RowFile, results: Iterator[Row]) -> None:
        """Writes each row of another file, with ``RESULT_COLUMNS`` behind its own.

        Args:
            path: what to write to in the place of this file, which is left as it is.
            source: the rows.
            results: the result columns of each row.
        """
