"""The headers of a failed answer that an error carries: those that help to find out why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Others may hold secrets (cookies, redirect targets), or say nothing of a failure.
_NAMES: Final = frozenset(
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
_PREFIXES: Final = ("ratelimit", "x-ratelimit-", "x-rate-limit-")
_LONGEST: Final = 1_000


def headers_for_error(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers to hand out with an error, by their names in lower case.

    Args:
        headers: all of the answer's, without the key.
    """
    return {
        name.lower(): "".join(c for c in value if c.isprintable())[:_LONGEST]
        for name, value in headers.items()
        if name.lower() in _NAMES or name.lower().startswith(_PREFIXES)
    }
