"""The faults of the soak test: what the service does about a call, and what the caller must see."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faults.behaviour import (
    CHUNKED,
    DRIP_INTERVAL,
    Close,
    Drip,
    Forever,
    Reset,
    Stall,
    Step,
    answer,
    error,
    head,
    on_request,
    packed,
)

import vectorcache as vc

LIMIT = 100_000
HTML = b"<html><h1>Bad gateway</h1></html>"

# The timeout of an attempt that is never answered. All others have the client's, which is long.
IMPATIENT = {"timeout": 1.0, "max_retries": 0}


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Args:
        step: what the service does about the call.
        raises: the error that the call must end with; None if it must be answered.
        once: whether only the first attempt meets it.
        options: of the query.
        cancelled: whether the caller gives the call up.
    """

    step: Step
    raises: type[vc.VectorcacheError] | None = None
    once: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    cancelled: bool = False


def good(prompt: str) -> dict[str, Any]:
    """Returns the answer to one prompt, which differs from that of every other prompt."""
    return {
        "cache_hit": True,
        "response": f"The answer to {prompt}",
        "similarity_score": 0.94,
        "cost_saved": 0.0023,
        "llm_provider": "cache",
    }


def _always(raises: type[vc.VectorcacheError], *actions: Any, **options: Any) -> Fault:
    return Fault(on_request(*actions), raises, options=options)


def _once(*actions: Any) -> Fault:
    return Fault(on_request(*actions), once=True)


_WRONG = {**good("?"), "cache_hit": "yes"}
_PIECE = b'{"cache_hit": true'
_LONG = head("Content-Length: 500") + _PIECE

FAULTS: dict[str, Fault] = {
    # The first attempt meets the fault, and the second is answered.
    "reset, then well": _once(Reset()),
    "hung up, then well": _once(Close()),
    "cut in the body, then well": _once(_LONG, Close()),
    "reset in the body, then well": _once(_LONG, Reset()),
    "broken chunk, then well": _once(CHUNKED + b"zz\r\n", Close()),
    "no HTTP, then well": _once(b"SSH-2.0-OpenSSH_9.6\r\n", Close()),
    "500, then well": _once(error(500)),
    "502 in HTML, then well": _once(answer(status=502, raw=HTML)),
    "503 with a wait, then well": _once(error(503, headers={"Retry-After": "0.01"})),
    "504, then well": _once(answer(status=504, raw=b"")),
    "522, then well": _once(answer(status=522, raw=HTML)),
    "408, then well": _once(error(408)),
    "429 with a wait, then well": _once(error(429, headers={"Retry-After": "0.01"})),
    "no JSON, then well": _once(answer(raw=b"OK")),
    "a field missing, then well": _once(answer({"cache_hit": True})),
    "broken gzip, then well": _once(packed(b"\x1f\x8b" + bytes(20))),
    # Every attempt meets the fault.
    "reset": _always(vc.APIConnectionError, Reset()),
    "cut in the body": _always(vc.APIConnectionError, _LONG, Close()),
    "never answered": _always(vc.APITimeoutError, Stall(), **IMPATIENT),
    "stalls in the body": _always(vc.APITimeoutError, _LONG, Stall(), **IMPATIENT),
    "drips": _always(
        vc.APITimeoutError, Drip(answer(raw=1_000 * b" "), DRIP_INTERVAL), **IMPATIENT
    ),
    "400": _always(vc.BadRequestError, error(400)),
    "401": _always(vc.AuthenticationError, error(401)),
    "403": _always(vc.PermissionDeniedError, error(403)),
    "404": _always(vc.NotFoundError, error(404)),
    "422": _always(vc.NotCacheableError, error(422)),
    "429, over quota": _always(
        vc.QuotaExceededError, answer({"current_usage": 1, "monthly_limit": 1}, status=429)
    ),
    "429 for an hour": _always(vc.RateLimitError, error(429, headers={"Retry-After": "3600"})),
    "500": _always(vc.InternalServerError, error(500)),
    "503": _always(vc.ServiceUnavailableError, error(503)),
    "redirect": _always(
        vc.APIStatusError, error(307, headers={"Location": "https://elsewhere.example/"})
    ),
    "a wrong type": _always(vc.APIResponseError, answer(_WRONG)),
    "too large": _always(vc.APIResponseError, answer(raw=bytes(LIMIT + 1))),
    "too large unpacked": _always(
        vc.APIResponseError, packed(gzip.compress(bytes(50 * LIMIT), mtime=0))
    ),
    "endless body": _always(vc.APIResponseError, CHUNKED, Forever(b"400\r\n%s\r\n" % bytes(1024))),
    "endless head": _always(vc.APIConnectionError, head(end="\r\n"), Forever(b"X: y\r\n" * 99)),
}

# Only a task can be cancelled.
CANCELLED: dict[str, Fault] = {
    "given up by the caller": Fault(on_request(Stall()), cancelled=True),
    "given up in the body": Fault(on_request(_LONG, Stall()), cancelled=True),
}

# The answer is right, and the connection is closed behind it without notice.
CLOSES_BEHIND = "closed behind the answer"


def fault_of(number: int, every: int, names: list[str]) -> str | None:
    """The fault that call ``number`` meets, if any: one in ``every`` does, all kinds in turn."""
    turn, place = divmod(number, every)
    # The place changes, or the same caller would always meet the faults.
    return names[turn % len(names)] if place == turn * 7 % every else None
