"""Our errors, each of them also the one that the openai package raises in its place.

So the ``except`` clauses of an app that moved here go on working, and new ones may name either.
What was refused before anything was sent is a ``BadRequestError`` of openai with status 400, as
its own service would have refused it; ``attempts`` is then 0.
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


class _OfBoth:
    """Lets them be pickled, which openai's own cannot be."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (cast(type[VectorcacheError], type(self)), vars(self))


def _made(kind: type[VectorcacheError], attributes: Mapping[str, Any]) -> VectorcacheError:
    # The two sides' constructors do not get along, and all that they would set is known.
    error = kind.__new__(kind)
    error.args = (attributes["message"],)
    vars(error).update(attributes)
    return error


def _both(ours: type[VectorcacheError], theirs: type[openai.OpenAIError]) -> type[VectorcacheError]:
    says = f"``vectorcache.{ours.__name__}`` and ``openai.{theirs.__name__}``."
    made = type(ours.__name__, (_OfBoth, ours, theirs), {"__module__": __name__, "__doc__": says})
    return cast(type[VectorcacheError], made)


ConfigurationError = _both(errors.ConfigurationError, openai.OpenAIError)
InvalidRequestError = _both(errors.InvalidRequestError, openai.BadRequestError)
SensitiveDataError = _both(errors.SensitiveDataError, openai.BadRequestError)
APIConnectionError = _both(errors.APIConnectionError, openai.APIConnectionError)
APITimeoutError = _both(errors.APITimeoutError, openai.APITimeoutError)
CircuitOpenError = _both(errors.CircuitOpenError, openai.APIConnectionError)
APIResponseError = _both(errors.APIResponseError, openai.APIResponseValidationError)
APIStatusError = _both(errors.APIStatusError, openai.APIStatusError)
BadRequestError = _both(errors.BadRequestError, openai.BadRequestError)
AuthenticationError = _both(errors.AuthenticationError, openai.AuthenticationError)
PermissionDeniedError = _both(errors.PermissionDeniedError, openai.PermissionDeniedError)
NotFoundError = _both(errors.NotFoundError, openai.NotFoundError)
NotCacheableError = _both(errors.NotCacheableError, openai.UnprocessableEntityError)
RateLimitError = _both(errors.RateLimitError, openai.RateLimitError)
QuotaExceededError = _both(errors.QuotaExceededError, openai.RateLimitError)
InternalServerError = _both(errors.InternalServerError, openai.InternalServerError)
LLMProviderError = _both(errors.LLMProviderError, openai.InternalServerError)
ServiceUnavailableError = _both(errors.ServiceUnavailableError, openai.InternalServerError)

# Those of openai that hold an answer.
_ANSWERS: Any = (openai.APIStatusError, openai.APIResponseValidationError)

_KINDS: dict[type, Any] = {kind.__mro__[2]: kind for kind in _OfBoth.__subclasses__()}


@contextmanager
def openai_errors(url: str) -> Iterator[None]:
    """Raises our errors as those of both sides; what others raise passes as it is.

    Args:
        url: where requests go, for the errors' ``request``.
    """
    try:
        yield
    except VectorcacheError as error:
        if type(error) not in _KINDS:
            raise
        raise _of_both(error, url).with_traceback(error.__traceback__) from error.__cause__


def _of_both(error: VectorcacheError, url: str) -> VectorcacheError:
    request = httpx2.Request("POST", url)  # Without headers: nothing of the key is in it.
    body = error.body if isinstance(error.body, Mapping) else {}
    attributes = {
        **vars(error),
        "request": request,
        # What OpenAI calls a used up quota, and tells apart from a rate limit by.
        "code": "insufficient_quota" if isinstance(error, errors.QuotaExceededError) else None,
        "param": None,
        "type": body.get("type"),
    }
    kind: type[VectorcacheError] = _KINDS[type(error)]
    if issubclass(kind, _ANSWERS):
        status = error.status_code or 400
        attributes["status_code"] = status
        # An excerpt, where it was no JSON.
        said: Any = {"text" if isinstance(error.body, str) else "json": error.body}
        attributes["response"] = httpx2.Response(
            status, headers=_headers(error), request=request, **said
        )
    return _made(kind, attributes)


def _headers(error: VectorcacheError) -> dict[str, str]:
    headers = dict(error.headers)
    if error.request_id is not None:
        headers["x-request-id"] = error.request_id
    if error.retry_after is not None:
        headers["retry-after"] = str(ceil(error.retry_after))
    return headers
