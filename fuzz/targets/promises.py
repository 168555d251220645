"""Checks of everything that a user may see: no key, no control characters, sensible sizes."""

from __future__ import annotations

from typing import Any

from vectorcache import VectorcacheError
from vectorcache._call.failure import Failure
from vectorcache._secret import APIKey

TEXT = "vc_5ca1ab1e0ddba11dc0ffee15bad5eed5"
KEY = APIKey(TEXT)

YEAR = 366 * 86_400
LONGEST_MESSAGE = 2_000


def check_text(text: str) -> None:
    assert TEXT not in text, "the text holds the key"
    assert text.isprintable(), f"a terminal or a log cannot show {text!r}"
    assert len(text) <= LONGEST_MESSAGE, f"{len(text):,} characters"


def check_failure(failure: Failure) -> None:
    check_text(failure.text)
    check_text(failure.advice)
    check_text(failure.request_id or "")
    assert TEXT not in repr(failure.body), "the key shows in the body"
    check_seconds(failure.retry_after)


def check_error(error: VectorcacheError) -> None:
    check_text(str(error))
    assert TEXT not in repr(vars(error)), "the key shows"
    check_seconds(error.retry_after)


def check_seconds(seconds: float | None) -> None:
    assert seconds is None or 0 < seconds <= YEAR, f"a wait of {seconds} s"


def lines_of(data: bytes, count: int) -> list[Any]:
    """Returns the first lines as texts, and the rest as bytes."""
    *lines, rest = [*data.split(b"\n", count), *count * [b""]][: count + 1]
    return [*(line.decode("latin-1") for line in lines), rest]
