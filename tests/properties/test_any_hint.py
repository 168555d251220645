"""Whatever the headers say, the time to wait is above 0 and at most a year, or None."""

from __future__ import annotations

from datetime import UTC

import httpx
from hypothesis import given
from hypothesis import strategies as st
from properties.effort import examples
from properties.http import HEADERS, JSON_VALUES

from vectorcache._headers import parse_date, reset_time, retry_after

_WORDS = st.sampled_from(
    [
        "Sun",
        "Sunday",
        "Nov",
        "06",
        "6",
        "94",
        "1994",
        "08:49:37",
        "GMT",
        "EST",
        "Z",
        "AM",
        "noon",
        "-",
        ",",
        "+0100",
        "T",
        "10:20",
        "99",
        "0000",
        "9999",
        "٣",
        "in",
        "of",
        "th",
    ]
)
# Texts that resemble a date, which a lenient parser reads wrongly.
DATES = st.one_of(
    st.text(),
    st.lists(_WORDS, max_size=8).map(" ".join),
    st.lists(_WORDS, max_size=6).map("".join),
    st.from_regex(
        r"\A[A-Za-z]{3,9},? [0-9A-Za-z -]{6,12}[0-9]{2}:[0-9]{2}:[0-9]{2}"
        r"( [0-9]{4})?( [A-Z]{1,5})?\Z"
    ),
)
NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.decimals(allow_nan=True).map(str),
    st.from_regex(r"\A[ +-]?[0-9]{0,25}(\.[0-9]{0,25})?(e[0-9])?\Z"),
)
YEAR = 366 * 86_400


@given(st.sampled_from([429, 503, 500, 418]), HEADERS, JSON_VALUES)
@examples(300)
def test_any_headers(status: int, headers: list[tuple[bytes, bytes]], body: object) -> None:
    """A time to wait is None, or above 0 and at most a year; a reset is None or in UTC."""
    received = httpx.Headers(headers)
    found = retry_after(status, received, body)
    assert found is None or 0 < found <= YEAR
    moment = reset_time(received)
    assert moment is None or moment.tzinfo is UTC


@given(NUMBERS | DATES, NUMBERS | DATES, NUMBERS | DATES, NUMBERS | DATES)
@examples(400)
def test_any_texts(hint: str, reset: str, date: str, in_body: str) -> None:
    """The same is true of dates and numbers that are nearly valid."""
    headers = {"retry-after": hint, "x-ratelimit-reset": reset, "date": date}
    found = retry_after(429, headers, {"retry_after": in_body})
    assert found is None or 0 < found <= YEAR
    moment = reset_time(headers)
    assert moment is None or moment.tzinfo is UTC
    for text in (hint, reset, date):
        read = parse_date(text)
        assert read is None or read.utcoffset() is not None


@given(st.floats(0, YEAR, exclude_min=True))
@examples(200)
def test_a_valid_wait_is_used_exactly(seconds: float) -> None:
    """A number of seconds up to a year is used exactly, including its decimals."""
    text = f"{seconds:.15f}"
    assert retry_after(503, {"retry-after": text}, None) == (float(text) or None)
