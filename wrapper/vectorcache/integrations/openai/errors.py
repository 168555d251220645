"""The errors of this package, each combined with the matching error of the openai package.

So the ``except`` clauses of an app that used openai keep working, and new ones may name either
error. A request that is refused before it is sent raises openai's ``BadRequestError`` with status
400, as OpenAI's service would; ``attempts`` is then 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from typing import Any, cast

import httpx2
import openai

from ... import errors
from ...errors import VectorcacheError


class _CombinedError:
    """Lets combined errors be pickled, unlike openai's own."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _build_error, (cast(type[VectorcacheError], type(self)), vars(self))


def _build_error(kind: type[VectorcacheError], attributes: Mapping[str, Any]) -> VectorcacheError:
    # The constructors of the two classes are incompatible; the attributes that they would set are
    # all given.
    error = kind.__new__(kind)
    error.args = (attributes["message"],)
    vars(error).update(attributes)
    return error


def _combine(
    ours: type[VectorcacheError], theirs: type[openai.OpenAIError]
) -> type[VectorcacheError]:
    text = f"``vectorcache.{ours.__name__}`` and ``openai.{theirs.__name__}``."
    made = type(
        ours.__name__, (_CombinedError, ours, theirs), {"__module__": __name__, "__doc__": text}
    )
    return cast(type[VectorcacheError], made)


ConfigurationError = _combine(errors.ConfigurationError, openai.OpenAIError)
InvalidRequestError = _combine(errors.InvalidRequestError, openai.BadRequestError)
SensitiveDataError = _combine(errors.SensitiveDataError, openai.BadRequestError)
APIConnectionError = _combine(errors.APIConnectionError, openai.APIConnectionError)
APITimeoutError = _combine(errors.APITimeoutError, openai.APITimeoutError)
CircuitOpenError = _combine(errors.CircuitOpenError, openai.APIConnectionError)
APIResponseError = _combine(errors.APIResponseError, openai.APIResponseValidationError)
APIStatusError = _combine(errors.APIStatusError, openai.APIStatusError)
BadRequestError = _combine(errors.BadRequestError, openai.BadRequestError)
AuthenticationError = _combine(errors.AuthenticationError, openai.AuthenticationError)
PermissionDeniedError = _combine(errors.PermissionDeniedError, openai.PermissionDeniedError)
NotFoundError = _combine(errors.NotFoundError, openai.NotFoundError)
NotCacheableError = _combine(errors.NotCacheableError, openai.UnprocessableEntityError)
RateLimitError = _combine(errors.RateLimitError, openai.RateLimitError)
QuotaExceededError = _combine(errors.QuotaExceededError, openai.RateLimitError)
InternalServerError = _combine(errors.InternalServerError, openai.InternalServerError)
LLMProviderError = _combine(errors.LLMProviderError, openai.InternalServerError)
ServiceUnavailableError = _combine(errors.ServiceUnavailableError, openai.InternalServerError)

# The errors of openai that contain a response.
_RESPONSE_ERRORS: Any = (openai.APIStatusError, openai.APIResponseValidationError)

_KINDS: dict[type, Any] = {kind.__mro__[2]: kind for kind in _CombinedError.__subclasses__()}


@contextmanager
def openai_errors(url: str) -> Iterator[None]:
    """Raises errors of this package as combined errors; other errors pass unchanged.

    Args:
        url: the URL of the service, for the ``request`` of the errors.
    """
    try:
        yield
    except VectorcacheError as error:
        if type(error) not in _KINDS:
            raise
        raise _convert(error, url).with_traceback(error.__traceback__) from error.__cause__


def _convert(error: VectorcacheError, url: str) -> VectorcacheError:
    request = httpx2.Request("POST", url)  # Without headers, so without the key.
    body = error.body if isinstance(error.body, Mapping) else {}
    attributes = {
        **vars(error),
        "request": request,
        # OpenAI's code of an exhausted quota, which distinguishes it from a rate limit.
        "code": "insufficient_quota" if isinstance(error, errors.QuotaExceededError) else None,
        "param": None,
        "type": body.get("type"),
    }
    kind: type[VectorcacheError] = _KINDS[type(error)]
    if issubclass(kind, _RESPONSE_ERRORS):
        status = error.status_code or 400
        attributes["status_code"] = status
        # A body that was not JSON is kept as an excerpt of its text.
        content: Any = {"text" if isinstance(error.body, str) else "json": error.body}
        attributes["response"] = httpx2.Response(
            status, headers=_headers(error), request=request, **content
        )
    return _build_error(kind, attributes)


def _headers(error: VectorcacheError) -> dict[str, str]:
    headers = dict(error.headers)
    if error.request_id is not None:
        headers["x-request-id"] = error.request_id
    if error.retry_after is not None:
        headers["retry-after"] = str(ceil(error.retry_after))
    return headers
