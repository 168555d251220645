"""What an error status means: which error it becomes, and whether to repeat the attempt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import httpx

from .. import errors
from .._headers import error_objects, retry_after
from .._secret import APIKey
from .body import parse_json
from .excerpt import excerpt
from .failure import Failure, Repeat
from .keys import CallKeys

# The fields in which an object inside ``detail`` or ``error`` may have its text.
_TEXT_FIELDS = ("message", "msg", "detail", "error")

# Maximum JSON depth kept in ``error.body``: copy and pickle recurse once per level.
_MAX_DEPTH = 50

# The host of an URL with a scheme, or what stands before the query of any other.
_TARGET = r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#]*@)?+([^/?#]+)|(?:[^?#]*@)?+([^?#]+)"

_QUOTA_FIGURES = ("current_usage", "monthly_limit")

_LATER = "try again later, or call the LLM directly"

# status: class of the error, its words, whether to repeat the attempt, and advice
_MEANINGS: dict[int, tuple[type[errors.APIStatusError], str, Repeat, str]] = {
    400: (errors.BadRequestError, "bad request", Repeat.NEVER, ""),
    401: (
        errors.AuthenticationError,
        "API key not accepted",
        Repeat.NEVER,
        "check api_key= or VECTORCACHE_API_KEY",
    ),
    403: (
        errors.PermissionDeniedError,
        "API key not allowed here",
        Repeat.NEVER,
        "use a key of this project",
    ),
    404: (errors.NotFoundError, "not found", Repeat.NEVER, "check base_url, {base_url}"),
    408: (errors.APIStatusError, "request timeout", Repeat.TRANSIENT, ""),
    422: (errors.NotCacheableError, "not cacheable", Repeat.NEVER, "call the LLM directly"),
    425: (errors.APIStatusError, "too early", Repeat.TRANSIENT, ""),
    429: (errors.RateLimitError, "rate limit exceeded", Repeat.THROTTLED, ""),
    500: (errors.InternalServerError, "internal server error", Repeat.TRANSIENT, _LATER),
    502: (errors.LLMProviderError, "the LLM provider failed", Repeat.TRANSIENT, _LATER),
    503: (errors.ServiceUnavailableError, "service unavailable", Repeat.TRANSIENT, _LATER),
    504: (errors.InternalServerError, "gateway timeout", Repeat.TRANSIENT, _LATER),
}


def failure_from_status(
    status: int,
    headers: httpx.Headers,
    content: bytes,
    request_id: str | None,
    key: APIKey | CallKeys,
) -> Failure:
    """Returns the failure for an answer whose status is not 200.

    Args:
        status: the HTTP status.
        headers: the headers of the answer, without the key.
        content: its body, unpacked.
        request_id: the service's name for the request.
        key: what is removed from the body, where a server may repeat it.
    """
    body = body_value(content, key)
    error, words, repeat, advice = _meaning(status)
    details = _quota(body) if status == 429 else {}
    if details:
        error, repeat = errors.QuotaExceededError, Repeat.NEVER
        words = "monthly quota used up"
        if None not in details.values():
            words += " ({current_usage:,} of {monthly_limit:,})".format(**details)
        advice = "raise the plan's quota, or call the LLM directly until the month ends"
    if status == 502 and not isinstance(body, dict):
        words = "bad gateway"  # It comes from a proxy, and says nothing of an LLM provider.
    if 300 <= status < 400:
        words = _redirect(headers)
        advice = "set base_url to the new address of the service; redirects are not followed"
    said = _service_message(body)
    return Failure(
        error=error,
        text=f"{status} {words}" + (f': "{said}"' if said else ""),
        advice=advice,
        repeat=repeat,
        status_code=status,
        retry_after=retry_after(status, headers, body),
        request_id=request_id,
        body=body,
        details=details,
    )


def _meaning(status: int) -> tuple[type[errors.APIStatusError], str, Repeat, str]:
    if status in _MEANINGS:
        return _MEANINGS[status]
    if 520 <= status <= 530:  # A CDN sends these when the service does not answer it.
        words = "the service did not answer the proxy before it"
        return errors.InternalServerError, words, Repeat.TRANSIENT, _LATER
    try:
        words = HTTPStatus(status).phrase.lower()
    except ValueError:
        words = "unknown status"
    if 500 <= status < 600:
        return errors.InternalServerError, words, Repeat.NEVER, _LATER
    return errors.APIStatusError, words, Repeat.NEVER, ""


def _quota(body: Any) -> dict[str, int | None]:
    """Returns the figures of the monthly quota; empty if the body has neither of them."""
    parts = [*error_objects(body)]
    if not any(name in part for part in parts for name in _QUOTA_FIGURES):
        return {}
    figures = {name: [_whole(part.get(name)) for part in parts] for name in _QUOTA_FIGURES}
    return {
        name: next((figure for figure in found if figure is not None), None)
        for name, found in figures.items()
    }


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        return None
    return value


def _redirect(headers: Mapping[str, str]) -> str:
    # User, password and query are left out, as they may be secrets.
    target = re.match(_TARGET, headers.get("location", ""))
    return f"redirect to {excerpt(target[1] or target[2])}" if target else "redirect"


def body_value(content: bytes, key: APIKey | CallKeys) -> Any:
    """Returns the JSON value of a body, or an excerpt of its text; None if it is empty."""
    text = key.redact(content.decode("utf-8", "replace"))
    value = _json_or_none(text)
    if value is None or not _is_shallow(value):
        return key.redact(excerpt(text)) or None
    return _redacted(value, key)


def _redacted(value: Any, key: APIKey | CallKeys) -> Any:
    # In the JSON text, the key may have been hidden by escapes.
    match value:
        case str():
            return key.redact(value)
        case list():
            return [_redacted(inner, key) for inner in value]
        case dict():
            return {key.redact(name): _redacted(inner, key) for name, inner in value.items()}
    return value


def _is_shallow(value: Any) -> bool:
    """Returns whether a JSON value has at most ``_MAX_DEPTH`` levels."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [inner for outer in level for inner in _parts(outer)]
        if not level:
            return True
    return False


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _json_or_none(text: str) -> Any:
    try:
        return parse_json(text.encode("utf-8", "replace"))
    except ValueError:
        return None


def _service_message(body: Any) -> str:
    """Returns the service's own message, from any of the documented forms of a body."""
    if not isinstance(body, dict):
        return "" if body is None else excerpt(str(body))
    words = (_flat(body.get(name)) for name in ("detail", "message", "error"))
    return next(filter(None, words), "")


def _flat(value: Any, depth: int = 3) -> str:
    """Returns ``value`` as text, down to the depth that documented bodies have."""
    if not depth:
        return ""
    match value:
        case str():
            return excerpt(value)
        case list():  # The validation errors of FastAPI are a list.
            return excerpt("; ".join(filter(None, (_flat(one, depth - 1) for one in value[:5]))))
        case {"msg": str(message), "loc": [*where]}:
            return excerpt(f"{'.'.join(str(part)[:40] for part in where[:6])}: {message}")
        case dict():
            words = (_flat(value.get(name), depth - 1) for name in _TEXT_FIELDS)
            return next(filter(None, words), "")
    return ""
