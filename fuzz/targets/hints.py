"""Reads how long to wait from headers and from a body.

The lines of the input are ``Retry-After``, ``X-RateLimit-Reset``, ``Date`` and the body's field.
"""

from __future__ import annotations

from datetime import UTC

from targets.promises import check_seconds, lines_of
from vectorcache._headers import parse_date, reset_time, retry_after


def check(data: bytes) -> None:
    hint, reset, date, rest = lines_of(data, 3)
    headers = {"retry-after": hint, "x-ratelimit-reset": reset, "date": date}
    for status in (429, 503):
        check_seconds(
            retry_after(status, headers, {"retry_after": rest.decode("utf-8", "replace")})
        )
    moment = reset_time(headers)
    assert moment is None or moment.tzinfo is UTC
    for text in (hint, date):
        read = parse_date(text)
        assert read is None or read.utcoffset() is not None
