"""Every error this package raises.

VectorcacheError
├── ConfigurationError (ValueError)      the client cannot be made, or is closed
├── InvalidRequestError (ValueError)     refused before anything was sent
│   └── SensitiveDataError               refused by a SensitiveDataFilter
├── APIConnectionError                   no answer, or only a part of one
│   ├── APITimeoutError (TimeoutError)   an attempt or the whole call took too long
│   └── CircuitOpenError                 not tried, as nothing has answered for a while
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

All hold plain data only: they can be pickled, copied and sent to another process. None holds
the key. The exception that led to one is its ``__cause__``.
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
    """What every error of this package is.

    Attributes:
        message: what happened, what was being done and what to try; also ``str(error)``.
        status_code: the HTTP status of the answer; None where there was none.
        retry_after: seconds after which the service asks to be called again; None if it did
            not say.
        request_id: the service's name for the request; None if it gave none.
        body: the answer's JSON value, or a short excerpt of its text; None where there was none.
        headers: those of the answer's headers that help to find out what happened, such as
            ``retry-after``, ``x-ratelimit-remaining``, ``x-request-id`` and ``server``, by their
            names in lower case; empty where there was no answer.
        attempts: how many attempts were made; 0 where nothing was sent.
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
    """The client cannot work as it was set up; nothing was sent."""


class InvalidRequestError(VectorcacheError, ValueError):
    """The query was refused before anything was sent; the message names the argument."""


class SensitiveDataError(InvalidRequestError):
    """A ``SensitiveDataFilter`` found what must not be sent; the message does not repeat it."""


class APIConnectionError(VectorcacheError):
    """The service could not be reached, or the answer broke off."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """An attempt took longer than ``timeout``, or the call longer than ``deadline``."""


class CircuitOpenError(APIConnectionError):
    """The circuit breaker is open: no request goes out; ``attempts`` says how many had.

    Attributes:
        retry_after: seconds until the client tries the service again.
    """


class APIResponseError(VectorcacheError):
    """The answer breaks the service's contract: not JSON, a field missing, too large."""


class APIStatusError(VectorcacheError):
    """The service, or a proxy before it, answered with an error status."""


class BadRequestError(APIStatusError):
    """400: the service found a parameter at fault."""


class AuthenticationError(APIStatusError):
    """401: the key is missing, invalid or revoked."""


class PermissionDeniedError(APIStatusError):
    """403: the key does not belong to this project."""


class NotFoundError(APIStatusError):
    """404: there is nothing at this address; see ``base_url``."""


class NotCacheableError(APIStatusError):
    """422: this content cannot be cached; call the LLM directly."""


class RateLimitError(APIStatusError):
    """429: too many requests this minute."""


class QuotaExceededError(RateLimitError):
    """429: the monthly quota is used up; repeating cannot help.

    Attributes:
        current_usage: requests made this month; None if the service did not say.
        monthly_limit: requests allowed a month; None if the service did not say.
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
    """503: the service is down for a while."""


# Every further prompt would meet it, too.
PERMANENT_ERRORS: Final = (
    AuthenticationError,
    PermissionDeniedError,
    NotFoundError,
    QuotaExceededError,
)

# Many of these in a row mean that nothing gets through.
OUTAGE_ERRORS: Final = (APIConnectionError, APIResponseError, InternalServerError, RateLimitError)
