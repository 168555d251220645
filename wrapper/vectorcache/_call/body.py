"""Reads the body of an answer within limits of size, and parses it as JSON."""

from __future__ import annotations

import json
import zlib
from typing import Any, NoReturn


class UnusableAnswer(Exception):
    """The answer cannot be used; the text says why.

    Attributes:
        body: the JSON value of the answer, or an excerpt of its text, where it is known.
    """

    body: Any = None


class AnswerTooLarge(UnusableAnswer):
    """The answer is larger than ``max_response_bytes``, so a retry would not help."""


class BodyReader:
    """Collects a body chunk by chunk, and never holds much more than ``limit`` bytes.

    The client asks for gzip only, and unpacks it here, up to the limit. httpx would unpack a whole
    chunk, which may become a thousand times as large, before its size could be checked.

    Args:
        content_encoding: the header ``Content-Encoding`` of the answer.
        limit: bytes that the unpacked body may have.

    Attributes:
        received: bytes received so far, still compressed.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        self.received = 0
        self._limit = limit
        self._parts = bytearray()
        self._problem: UnusableAnswer | None = None
        self._unpacker = None
        encoding = content_encoding.strip().lower()
        if encoding in ("gzip", "x-gzip"):
            self._unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        elif encoding not in ("", "identity"):
            self._problem = UnusableAnswer(f"its Content-Encoding is {encoding[:40]!r}, not gzip")

    def feed(self, chunk: bytes) -> bool:
        """Takes the next bytes; returns False once further bytes are useless."""
        self.received += len(chunk)
        if not self._problem:
            self._unpack(chunk)
        return not self._problem

    def _unpack(self, chunk: bytes) -> None:
        if self._unpacker is not None:
            try:
                chunk = self._unpacker.decompress(chunk, self._limit + 1 - len(self._parts))
            except zlib.error:
                self._problem = UnusableAnswer("its gzip compression is broken")
                return
        if len(self._parts) + len(chunk) > self._limit:
            self._problem = AnswerTooLarge(
                f"it is larger than {self._limit:,} bytes (max_response_bytes)"
            )
        elif self._unpacker is not None and self._unpacker.unused_data:
            self._problem = UnusableAnswer("there is more after the end of its gzip compression")
        else:
            self._parts += chunk

    def content(self) -> bytes:
        """Returns the whole body, unpacked.

        Raises:
            UnusableAnswer: the body is too large, or its compression is broken or incomplete.
        """
        unpacker = self._unpacker
        if not self._problem and unpacker is not None and self.received and not unpacker.eof:
            self._problem = UnusableAnswer("its gzip compression breaks off")
        if self._problem:
            raise self._problem
        return bytes(self._parts)


def parse_json(content: bytes) -> Any:
    """Returns the value of a JSON text in UTF-8 (RFC 8259), without NaN and Infinity.

    Raises:
        ValueError: the text is not valid JSON, or is nested too deeply.
    """
    try:
        return _decoder.decode(content.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)
