"""An HTTP answer, read within limits and checked against the description."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any, NoReturn

import httpx


class UnreadableAnswer(Exception):
    """The answer cannot be used; the text says why."""


class TooLargeAnswer(UnreadableAnswer):
    """It is larger than ``max_response_bytes``, and will be the next time."""


class BodyReader:
    """Collects a body chunk by chunk, never holding much more than ``limit`` bytes.

    Only gzip is asked for, and it is unpacked here rather than by httpx, which would unpack a
    whole chunk, a thousand times its size, before anyone could object.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        self.received = 0
        self._limit = limit
        self._parts = bytearray()
        self._fault: UnreadableAnswer | None = None
        self._unpacker = None
        encoding = content_encoding.strip().lower()
        if encoding in ("gzip", "x-gzip"):
            self._unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        elif encoding not in ("", "identity"):
            self._fault = UnreadableAnswer(f"its Content-Encoding is {encoding[:40]!r}, not gzip")

    def feed(self, chunk: bytes) -> bool:
        """Takes the next bytes off the network; False once there is no use in more."""
        self.received += len(chunk)
        if not self._fault:
            self._unpack(chunk)
        return not self._fault

    def _unpack(self, chunk: bytes) -> None:
        if self._unpacker is not None:
            try:
                chunk = self._unpacker.decompress(chunk, self._limit + 1 - len(self._parts))
            except zlib.error:
                self._fault = UnreadableAnswer("its gzip compression is broken")
                return
        if len(self._parts) + len(chunk) > self._limit:
            self._fault = TooLargeAnswer(
                f"it is larger than {self._limit:,} bytes (max_response_bytes)"
            )
        elif self._unpacker is not None and self._unpacker.unused_data:
            self._fault = UnreadableAnswer("there is more after the end of its gzip compression")
        else:
            self._parts += chunk

    def content(self) -> bytes:
        """The whole body, unpacked.

        Raises:
            UnreadableAnswer: it is too large, or its compression is broken or breaks off.
        """
        unpacker = self._unpacker
        if not self._fault and unpacker is not None and self.received and not unpacker.eof:
            self._fault = UnreadableAnswer("its gzip compression breaks off")
        if self._fault:
            raise self._fault
        return bytes(self._parts)


class Answer:
    """What the generated parser needs of an ``httpx.Response``, already read."""

    __slots__ = ("content", "headers", "status_code", "value")

    def __init__(
        self, status_code: int, headers: httpx.Headers, content: bytes, value: Any = None
    ) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content
        self.value = value

    @classmethod
    def checked(cls, status_code: int, headers: httpx.Headers, content: bytes) -> Answer:
        """An answer whose every field that the description names has the right type.

        Raises:
            UnreadableAnswer: a field is missing or of another type, or it is no JSON object.
        """
        try:
            value = parse_json(content)
        except ValueError as error:
            raise UnreadableAnswer(f"it is not JSON: {error}") from None
        return cls(status_code, headers, content, _checked(value))

    def json(self) -> Any:
        return self.value


def parse_json(content: bytes) -> Any:
    """The value of a JSON text in UTF-8 (RFC 8259), without NaN and Infinity.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        return _decoder.decode(content.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def _is_number(value: object, least: float = -math.inf) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value) and value >= least
    except OverflowError:
        return False


def _is_amount(value: object) -> bool:
    return _is_number(value, least=0)


def _is_count(value: object) -> bool:
    # 7.0 is an integer in JSON Schema.
    return _is_amount(value) and value == int(value)  # type: ignore[call-overload]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


# name, whether it must be there, whether it may be null, its type's name and check
_FIELDS = (
    ("cache_hit", True, False, "boolean", _is_boolean),
    ("response", True, False, "string", _is_text),
    ("cost_saved", True, False, "number", _is_amount),
    ("llm_provider", True, False, "string", _is_text),
    ("similarity_score", False, True, "number", _is_number),
)
_DEBUG_FIELDS = (
    ("embedding_time_ms", False, False, "number", _is_amount),
    ("search_time_ms", False, False, "number", _is_amount),
    ("total_time_ms", False, False, "number", _is_amount),
    ("matched_cache_entry_id", False, True, "string", _is_text),
    ("cache_entry_count", False, False, "integer", _is_count),
)


def _checked(value: Any) -> dict[str, Any]:
    checked = _checked_object(value, _FIELDS, "")
    if "debug" in checked:
        _checked_object(checked["debug"], _DEBUG_FIELDS, "debug.")
    return checked


def _checked_object(value: Any, fields: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        name = f"its field {path[:-1]!r}" if path else "it"
        raise UnreadableAnswer(f"{name} is no JSON object")
    for name, required, nullable, type_name, fits in fields:
        if name not in value:
            if required:
                raise UnreadableAnswer(f"its field {path + name!r} is missing")
        elif not (fits(value[name]) or (nullable and value[name] is None)):
            raise UnreadableAnswer(f"its field {path + name!r} is no {type_name}")
    return value
