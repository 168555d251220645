"""Reads lines of UTF-8, and names lines that are not UTF-8."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from ..exit_codes import UsageError

# The characters that the error handler "surrogateescape" puts for bytes that are not UTF-8.
_ESCAPED: Final = re.compile("[\udc80-\udcff]")


def not_utf8(name: str, line: int, error: UnicodeDecodeError) -> UsageError:
    """Returns the error for a line that cannot be decoded.

    Args:
        name: the name of the file.
        line: the number of the line, from 1.
        error: the error of decoding the line.
    """
    byte = error.object[error.start]
    return _refusal(name, line, byte, len(error.object[: error.start].decode("utf-8", "replace")))


def decoded(lines: Iterable[str], name: str) -> Iterator[str]:
    """Yields the lines of a file that was opened with ``errors="surrogateescape"``.

    Raises:
        UsageError: a line has a byte that is not UTF-8; the message has its number.
    """
    for number, line in enumerate(lines, 1):
        check_decoded(line, name, number)
        yield line


def check_decoded(line: str, name: str, number: int) -> None:
    """Checks that ``surrogateescape`` did not have to replace a byte of the line.

    Raises:
        UsageError: a byte was replaced; the message has the number of the line.
    """
    if not line.isascii() and (found := _ESCAPED.search(line)):
        raise _refusal(name, number, ord(found[0]) - 0xDC00, found.start())


def _refusal(name: str, line: int, byte: int, characters: int) -> UsageError:
    return UsageError(
        f"{name}, line {line:,}, is not UTF-8: byte 0x{byte:02x} after {characters:,} characters; "
        "convert it, for example by iconv -f WINDOWS-1252 -t UTF-8"
    )
