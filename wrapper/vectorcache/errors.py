"""All errors that this package raises.

VectorcacheError
├── ConfigurationError (ValueError)      the client cannot be made, or is closed
├── InvalidRequestError (ValueError)     the query is invalid; nothing was sent
│   └── SensitiveDataError               refused by a SensitiveDataFilter
├── APIConnectionError                   no answer, or only a part of one
│   ├── APITimeoutError (TimeoutError)   an attempt or the whole call took too long
│   └── CircuitOpenError                 not sent, as the service did not answer lately
├── APIResponseError                     an answer that breaks the service's contract
└── APIStatusError                       an answer with an error status
    ├── BadRequestError                  400
    ├── AuthenticationError              401
    ├── PermissionDeniedError            403
    ├── NotFoundError                    404
    ├── NotCacheableError                422
    ├── RateLimitError                   429, too many requests a minute
    │   └── QuotaExceededError           429, the monthly quota is used up
    └── InternalServerError              500 and any 5xx not named below
        ├── LLMProviderError             502
        └── ServiceUnavailableError      503

They hold plain data only, so that they can be pickled, copied and sent to another process. They
never hold the key. The exception that caused an error is its ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = [
    "APIConnectionError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "CircuitOpenError",
    "ConfigurationError",
    "InternalServerError",
    "InvalidRequestError",
    "LLMProviderError",
    "NotCacheableError",
    "NotFoundError",
    "PermissionDeniedError",
    "QuotaExceededError",
    "RateLimitError",
    "SensitiveDataError",
    "ServiceUnavailableError",
    "VectorcacheError",
]


class VectorcacheError(Exception):
    """The base class of all errors of this package.

    Attributes:
        message: what happened, in which call, and what to do; the same as ``str(error)``.
        status_code: the HTTP status of the answer; None if there was no answer.
        retry_after: seconds that the service asks to wait before the next call; None if it did not
            say.
        request_id: the id that the service gave the request; None if it gave none.
        body: the JSON value of the answer, or a short excerpt of its text; None if there was none.
        headers: the headers of the answer that help to find the cause, such as ``retry-after``,
            ``x-ratelimit-remaining``, ``x-request-id`` and ``server``, by their names in lower
            case; empty if there was no answer.
        attempts: how many attempts were made; 0 if nothing was sent.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        attempts: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.retry_after = retry_after
        self.request_id = request_id
        self.body = body
        self.headers = dict(headers or {})
        self.attempts = attempts

    def __str__(self) -> str:
        return self.message


class ConfigurationError(VectorcacheError, ValueError):
    """The client is configured wrongly, or closed; nothing was sent."""


class InvalidRequestError(VectorcacheError, ValueError):
    """The query is invalid, and nothing was sent; the message names the argument."""


class SensitiveDataError(InvalidRequestError):
    """A ``SensitiveDataFilter`` found personal data; the message does not repeat the data."""


class APIConnectionError(VectorcacheError):
    """The service could not be reached, or its answer was cut off."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """An attempt took longer than ``timeout``, or the call longer than ``deadline``."""


class CircuitOpenError(APIConnectionError):
    """The circuit breaker is open, so that no request is sent.

    Attributes:
        retry_after: seconds until the client tries the service again.
        attempts: how many attempts were made before the circuit opened.
    """


class APIResponseError(VectorcacheError):
    """The answer breaks the contract of the service: not JSON, a field missing, too large."""


class APIStatusError(VectorcacheError):
    """The service, or a proxy before it, answered with an error status."""


class BadRequestError(APIStatusError):
    """400: the service rejected a parameter."""


class AuthenticationError(APIStatusError):
    """401: the key is missing, invalid or revoked."""


class PermissionDeniedError(APIStatusError):
    """403: the key does not belong to this project."""


class NotFoundError(APIStatusError):
    """404: the service has nothing at this address; check ``base_url``."""


class NotCacheableError(APIStatusError):
    """422: this content cannot be cached; call the LLM directly."""


class RateLimitError(APIStatusError):
    """429: too many requests in this minute."""


class QuotaExceededError(RateLimitError):
    """429: the monthly quota is used up, so that a retry cannot help.

    Attributes:
        current_usage: requests made this month; None if the service did not say.
        monthly_limit: requests allowed per month; None if the service did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        current_usage: int | None = None,
        monthly_limit: int | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message, **details)
        self.current_usage = current_usage
        self.monthly_limit = monthly_limit


class InternalServerError(APIStatusError):
    """500, or another 5xx."""


class LLMProviderError(InternalServerError):
    """502: the LLM provider failed, or a proxy could not reach the service."""


class ServiceUnavailableError(InternalServerError):
    """503: the service is temporarily not available."""


# Errors that every later query of the same client would get too.
PERMANENT_ERRORS: Final = (
    AuthenticationError,
    PermissionDeniedError,
    NotFoundError,
    QuotaExceededError,
)

# Errors that mean an outage if many queries in a row get them.
OUTAGE_ERRORS: Final = (APIConnectionError, APIResponseError, InternalServerError, RateLimitError)
