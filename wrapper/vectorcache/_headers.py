"""Reads the headers of an answer: how long to wait, when a limit resets, what an error keeps.

The time to wait may also stand in the body, as ``retry_after``.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

# Seconds. A longer wait than a year is taken for a mistake of the service, and is ignored.
_LONGEST = 366 * 86_400.0

# Smaller numbers are seconds from now (up to 31 years); larger ones are Unix times (since 2001).
_FIRST_UNIX_TIME = 1e9

_NUMBER = r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?"
# One of the three forms of RFC 9110, 5.6.7. It is checked first, because dateutil finds a date in
# nearly any text.
_DATE = r"[A-Za-z]{3,9},? [0-9A-Za-z -]{6,12}[0-9]{2}:[0-9]{2}:[0-9]{2}( [0-9]{4})?( [A-Z]{1,5})?"

# Headers that an error keeps, as they help to find its cause. Others may hold secrets (cookies,
# redirect targets).
_ERROR_NAMES: Final = frozenset(
    {
        "age",
        "allow",
        "cf-cache-status",
        "cf-ray",
        "content-type",
        "date",
        "request-id",
        "retry-after",
        "server",
        "server-timing",
        "via",
        "x-amz-cf-id",
        "x-amzn-requestid",
        "x-amzn-trace-id",
        "x-cache",
        "x-correlation-id",
        "x-request-id",
        "x-served-by",
        "x-trace-id",
    }
)
_ERROR_PREFIXES: Final = ("ratelimit", "x-ratelimit-", "x-rate-limit-")
_LONGEST_VALUE: Final = 1_000


def retry_after(status: int, headers: Mapping[str, str], body: Any) -> float | None:
    """Returns the seconds that the service asks to wait, or None if it does not say.

    The value is above 0 and at most a year. The first valid one counts of ``Retry-After`` (RFC
    9110, 10.2.3: seconds or a date), ``retry_after`` in the body, at its top level or inside
    ``detail`` or ``error``, and, for a 429, ``X-RateLimit-Reset``.
    """
    header = headers.get("retry-after", "")
    hints = [_number(header), _seconds_until(parse_date(header), headers)]
    hints.extend(_number(part.get("retry_after")) for part in error_objects(body))
    if status == 429:
        hints.append(_seconds_until(reset_time(headers), headers))
    return next((hint for hint in hints if hint is not None and 0 < hint <= _LONGEST), None)


def error_objects(body: Any) -> Iterator[dict[Any, Any]]:
    """Yields the JSON objects of a body that describe the failure, the outermost first.

    FastAPI sends the details of an ``HTTPException`` in ``detail``; other services use ``error``.
    """
    if isinstance(body, dict):
        yield body
        yield from (body[name] for name in ("detail", "error") if isinstance(body.get(name), dict))


def reset_time(headers: Mapping[str, str]) -> datetime | None:
    """Returns ``X-RateLimit-Reset``, a Unix time or seconds from now, as an aware datetime."""
    value = _number(headers.get("x-ratelimit-reset"))
    if value is None or value < 0:
        return None
    seconds = value if value >= _FIRST_UNIX_TIME else value + service_time(headers)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def parse_date(text: str) -> datetime | None:
    """Returns an HTTP date as an aware datetime, and None for any other text."""
    if not re.fullmatch(_DATE, text.strip()):
        return None
    # Imported here because dateutil's parser takes longer to load than this whole package.
    from dateutil import parser

    try:
        return parser.parse(text, tzinfos=_utc_by_any_name)
    except (ValueError, OverflowError):
        return None


def _utc_by_any_name(name: str | None, offset: int | None) -> tzinfo | None:
    # RFC 9110, 5.6.7: an HTTP date is in UTC, whatever time zone it names.
    return UTC


def _number(value: object) -> float | None:
    if isinstance(value, str):
        return float(value.strip()) if re.fullmatch(_NUMBER, value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _seconds_until(moment: datetime | None, headers: Mapping[str, str]) -> float | None:
    return None if moment is None else moment.timestamp() - service_time(headers)


def service_time(headers: Mapping[str, str]) -> float:
    """Returns when the answer was made, in Unix seconds.

    That is the ``Date`` header, so the clock of the service, as the clock of this machine may be
    wrong. Without the header it is the time of this machine.
    """
    date = parse_date(headers.get("date", ""))
    return time.time() if date is None else date.timestamp()


def headers_for_error(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns the headers that an error keeps, by their names in lower case.

    Args:
        headers: all headers of the answer, from which the key has been removed.
    """
    return {
        name.lower(): "".join(c for c in value if c.isprintable())[:_LONGEST_VALUE]
        for name, value in headers.items()
        if name.lower() in _ERROR_NAMES or name.lower().startswith(_ERROR_PREFIXES)
    }
