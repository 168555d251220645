"""How long the service asks to wait, read from all places where it may say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorcache._headers import parse_date, reset_time, retry_after

# The time of the service, which differs much from that of this machine.
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


def wait(headers: dict[str, str], body: Any = None, status: int = 429) -> float | None:
    received = {"date": DATE, **{name.lower(): value for name, value in headers.items()}}
    return retry_after(status, received, body)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("27", 27.0),
        (" 27 ", 27.0),
        ("1.5", 1.5),
        ("0.25", 0.25),
        ("86400", 86_400.0),
        ("31622400", 31_622_400.0),
        ("Sun, 06 Nov 1994 08:50:07 GMT", 30.0),
        ("Sunday, 06-Nov-94 08:50:07 GMT", 30.0),
        ("Sun Nov  6 08:50:07 1994", 30.0),
        # An HTTP date is in UTC, whatever time zone it names.
        ("Sun, 06 Nov 1994 08:50:07 EST", 30.0),
        # A time in the past, an empty value, an invalid value and more than a year are ignored.
        ("Sun, 06 Nov 1994 08:49:07 GMT", None),
        ("Sun, 06 Nov 9994 08:49:07 GMT", None),
        ("0", None),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("0x10", None),
        ("١٢", None),
        ("9" * 30, None),
        ("31622401", None),
        ("Mon", None),
        ("10:20", None),
        ("Sun, 99 Nov 1994 08:49:07 GMT", None),
    ],
)
def test_retry_after(value: str, expected: float | None) -> None:
    """Seconds and all three forms of HTTP date are understood; invalid values are ignored."""
    assert wait({"Retry-After": value}) == expected


@pytest.mark.parametrize(
    ("headers", "body", "status", "expected"),
    [
        ({"Retry-After": "5"}, {"retry_after": 60}, 429, 5),
        ({"Retry-After": "nonsense"}, {"retry_after": 60}, 429, 60),
        ({}, {"retry_after": 60}, 503, 60),
        ({}, {"retry_after": "60"}, 429, 60),
        ({}, {"retry_after": 0.5}, 429, 0.5),
        ({}, {"retry_after": -1}, 429, None),
        ({}, {"retry_after": True}, 429, None),
        ({}, {"retry_after": 10**400}, 429, None),
        ({}, {"retry_after": [60]}, 429, None),
        ({}, [60], 429, None),
        ({"X-RateLimit-Reset": "30"}, None, 429, 30),
        ({"X-RateLimit-Reset": "30"}, {"retry_after": 7}, 429, 7),
        ({"X-RateLimit-Reset": "30"}, None, 503, None),
        ({"X-RateLimit-Reset": "0"}, None, 429, None),
    ],
)
def test_the_order_of_hints(
    headers: dict[str, str], body: Any, status: int, expected: float | None
) -> None:
    """Retry-After comes first, then the body, then on 429 the rate limit's reset."""
    assert wait(headers, body, status) == expected


def test_a_reset_may_be_a_unix_time() -> None:
    """X-RateLimit-Reset is a Unix time if it is large, and otherwise seconds from now."""
    now = datetime.now(UTC).replace(microsecond=0)
    headers = {"Date": format_datetime(now, usegmt=True)}
    headers["X-RateLimit-Reset"] = str(int(now.timestamp()) + 45)
    assert wait(headers) == pytest.approx(45)
    assert reset_time(httpx.Headers(headers)) == now + timedelta(seconds=45)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("0.5", datetime(1994, 11, 6, 8, 49, 37, 500_000, tzinfo=UTC)),
        ("999999999", datetime(2026, 7, 15, 10, 36, 16, tzinfo=UTC)),
        ("1000000000", datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
        ("-1", None),
        ("99999999999999", None),
        ("soon", None),
    ],
)
def test_where_unix_times_begin(value: str, expected: datetime | None) -> None:
    """Below a thousand million, X-RateLimit-Reset counts seconds from the answer's own date."""
    assert reset_time({"date": DATE, "x-ratelimit-reset": value}) == expected


@pytest.mark.parametrize("form", ["Sun Nov  6 08:49:37 1994", "Sunday, 06-Nov-94 08:49:37", DATE])
def test_dates_are_in_utc(form: str) -> None:
    """A date without a zone is not taken for one in this machine's zone."""
    assert parse_date(form) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


def test_dates_are_measured_by_the_clock_of_the_answer() -> None:
    """A wrong clock of this machine does not change a wait, if the answer has a Date header."""
    soon = datetime.now(UTC) + timedelta(seconds=100)
    headers = httpx.Headers({"Retry-After": format_datetime(soon, usegmt=True)})
    found = retry_after(503, headers, None)
    assert found is not None
    assert 95 < found <= 100


@given(st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1)))
def test_every_http_date_is_read(moment: datetime) -> None:
    """Any date in one of the forms of HTTP is read correctly, in UTC."""
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    assert parse_date(format_datetime(moment, usegmt=True)) == moment


@given(st.text(), st.text(), st.text(), st.one_of(st.none(), st.integers(), st.floats(), st.text()))
def test_any_header_and_body(hint: str, reset: str, date: str, in_body: object) -> None:
    """Whatever the service sends, the wait is above 0 and at most a year, or None."""
    headers = {"retry-after": hint, "x-ratelimit-reset": reset, "date": date}
    found = retry_after(429, headers, {"retry_after": in_body})
    assert found is None or 0 < found <= 366 * 86_400
    reset_at = reset_time(headers)
    assert reset_at is None or reset_at.tzinfo is UTC


@given(
    st.from_regex(
        r"\A[A-Za-z]{3,9},? [0-9A-Za-z -]{6,12}[0-9]{2}:[0-9]{2}:[0-9]{2}"
        r"( [0-9]{4})?( [A-Z]{1,5})?\Z"
    )
)
def test_what_looks_like_a_date_is_one_or_nothing(text: str) -> None:
    """Dates that only look right are ignored without error or warning."""
    found = parse_date(text)
    assert found is None or found.tzinfo is not None
