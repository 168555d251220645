"""Reports a redirect: the message names the host, and no secret of the address.

The input is the address, with ``P`` for a password.
"""

from __future__ import annotations

import httpx

from targets.promises import KEY, check_failure
from vectorcache._call.status_errors import failure_from_status

SECRET = "hush5ca1ab1e"


def check(data: bytes) -> None:
    place = data.decode("latin-1").replace("P", SECRET)
    headers = httpx.Headers([(b"location", place.encode("latin-1"))])
    failure = failure_from_status(302, headers, b"", None, KEY)
    check_failure(failure)
    # In any other part of the address it is not a password, and paths are shown.
    if data.count(b"P") == 1 and has_password(place):
        assert SECRET not in failure.text, failure.text


def has_password(place: str) -> bool:
    try:
        return SECRET in httpx.URL(place).password
    except (httpx.InvalidURL, ValueError):
        return False
