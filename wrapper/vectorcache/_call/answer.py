"""Checks that an answer is what the description of the service promises."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

import httpx

from .body import UnusableAnswer, parse_json


class CheckedAnswer:
    """An answer whose every field that the description names has the right type.

    The generated parser takes it for an ``httpx.Response``.

    Args:
        status_code: the HTTP status.
        headers: the headers of the answer.
        content: the body, unpacked.

    Raises:
        UnusableAnswer: the body is not a JSON object, or a field is missing or has another type.
    """

    __slots__ = ("_value", "content", "headers", "status_code")

    def __init__(self, status_code: int, headers: httpx.Headers, content: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content
        try:
            self._value = parse_json(content)
        except ValueError as error:
            raise UnusableAnswer(f"it is not JSON: {error}") from None
        _check_answer(self._value)

    def json(self) -> Any:
        """Returns the JSON value of the body."""
        return self._value


def _is_number(value: object, least: float = -math.inf) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value) and value >= least
    except OverflowError:
        return False


def _is_amount(value: object) -> TypeGuard[float]:
    return _is_number(value, least=0)


def _is_count(value: object) -> bool:
    # 7.0 is an integer in JSON Schema.
    return _is_amount(value) and value == int(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


# name, whether it is required, whether it may be null, its type, and the check
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


def _check_answer(value: Any) -> None:
    _check_object(value, _FIELDS, "")
    if "debug" in value:
        _check_object(value["debug"], _DEBUG_FIELDS, "debug.")


def _check_object(value: Any, fields: Any, path: str) -> None:
    if not isinstance(value, dict):
        name = f"its field {path[:-1]!r}" if path else "it"
        raise UnusableAnswer(f"{name} is not a JSON object")
    for name, required, nullable, type_name, fits in fields:
        if name not in value:
            if required:
                raise UnusableAnswer(f"its field {path + name!r} is missing")
        elif not (fits(value[name]) or (nullable and value[name] is None)):
            raise UnusableAnswer(f"its field {path + name!r} is not a valid {type_name}")
