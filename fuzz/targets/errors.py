"""Makes a failure of an answer with an error status.

The input is the status, one line for each header, an empty line and the body.
"""

from __future__ import annotations

import httpx

from targets.promises import KEY, check_failure
from vectorcache._call.network_errors import without_key
from vectorcache._call.status_errors import failure_from_status


def check(data: bytes) -> None:
    head, _, body = data.partition(b"\n\n")
    status, *lines = head.split(b"\n")
    headers = [line.split(b": ", 1) for line in lines if b": " in line]
    number = int(status) if status.isdigit() and len(status) == 3 else 500
    named = httpx.Headers([(name, value) for name, value in headers])
    failure = without_key(failure_from_status(number, named, body, None, KEY), KEY)
    check_failure(failure)
    assert failure.status_code == number
