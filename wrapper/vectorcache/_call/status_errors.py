"""What an answer with an error status means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from .. import errors
from .._headers import error_objects, retry_after
from .._secret import APIKey
from .body import Answer, parse_json
from .excerpt import excerpt
from .failure import Failure
from .keys import CallKeys
from .retry import Repeat

# Where an object inside ``detail`` or ``error`` may have its text.
_NAMES_OF_WORDS = ("message", "msg", "detail", "error")

# Of what is handed out: copying and pickling call themselves for each level.
_DEEPEST = 50

_TARGET = r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#]*@)?+([^/?#]+)|(?:[^?#]*@)?+([^?#]+)"

_QUOTA_FIGURES = ("current_usage", "monthly_limit")

_LATER = "try again later, or call the LLM directly"

# status: error, words, whether to repeat, what to try
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


def of_answer(answer: Answer, request_id: str | None, key: APIKey | CallKeys) -> Failure:
    """The meaning of an answer whose status is not 200."""
    status = answer.status_code
    body = body_of(answer.content, key)
    error, words, repeat, advice = _meaning(status)
    details = _quota(body) if status == 429 else {}
    if details:
        error, repeat = errors.QuotaExceededError, Repeat.NEVER
        words = "monthly quota used up"
        if None not in details.values():
            words += " ({current_usage:,} of {monthly_limit:,})".format(**details)
        advice = "raise the plan's quota, or call the LLM directly until the month ends"
    if status == 502 and not isinstance(body, dict):
        words = "bad gateway"  # Not the service's own words, so not its LLM provider either.
    if 300 <= status < 400:
        words = _redirect(answer.headers)
        advice = "set base_url to where the service now is; redirects are not followed"
    said = _service_words(body)
    return Failure(
        error=error,
        text=f"{status} {words}" + (f': "{said}"' if said else ""),
        advice=advice,
        repeat=repeat,
        status_code=status,
        retry_after=retry_after(status, answer.headers, body),
        request_id=request_id,
        body=body,
        details=details,
    )


def _meaning(status: int) -> tuple[type[errors.APIStatusError], str, Repeat, str]:
    if status in _MEANINGS:
        return _MEANINGS[status]
    if 520 <= status <= 530:  # A CDN's own, for a service that did not answer it.
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
    """The figures of the monthly quota; empty where the body names neither."""
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
    # Without user, password and query, which may be secrets.
    target = re.match(_TARGET, headers.get("location", ""))
    return f"redirect to {excerpt(target[1] or target[2])}" if target else "redirect"


def body_of(content: bytes, key: APIKey | CallKeys) -> Any:
    """The JSON value of a body, or a short excerpt of its text; None where it has none."""
    text = key.redact(content.decode("utf-8", "replace"))
    value = _json_or_none(text)
    if value is None or not _is_shallow(value):
        return key.redact(excerpt(text)) or None
    return _redacted(value, key)


def _redacted(value: Any, key: APIKey | CallKeys) -> Any:
    # The key may have been escaped, and is not any more.
    match value:
        case str():
            return key.redact(value)
        case list():
            return [_redacted(inner, key) for inner in value]
        case dict():
            return {key.redact(name): _redacted(inner, key) for name, inner in value.items()}
    return value


def _is_shallow(value: Any) -> bool:
    """Whether it has no more than ``_DEEPEST`` levels."""
    level = [value]
    for _ in range(_DEEPEST):
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


def _service_words(body: Any) -> str:
    """The service's own words, in any of the documented shapes."""
    if not isinstance(body, dict):
        return "" if body is None else excerpt(str(body))
    words = (_flat(body.get(name)) for name in ("detail", "message", "error"))
    return next(filter(None, words), "")


def _flat(value: Any, depth: int = 3) -> str:
    """``value`` as a text; of lists in lists no more than anybody sends."""
    if not depth:
        return ""
    match value:
        case str():
            return excerpt(value)
        case list():  # FastAPI's validation errors
            return excerpt("; ".join(filter(None, (_flat(one, depth - 1) for one in value[:5]))))
        case {"msg": str(message), "loc": [*where]}:
            return excerpt(f"{'.'.join(str(part)[:40] for part in where[:6])}: {message}")
        case dict():
            words = (_flat(value.get(name), depth - 1) for name in _NAMES_OF_WORDS)
            return next(filter(None, words), "")
    return ""
