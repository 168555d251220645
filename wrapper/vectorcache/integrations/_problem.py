"""What a web application answers where a query failed: problem details (RFC 9457).

Decided here once, for every framework. A body is one of a few constants: nothing of the error
goes into it, as an error names the service, quotes its words and advises the developer. All of
that is for the log. Nor does a body name this package: what an application is built on is its own
business. So ``type`` is left out, which means ``about:blank``, and ``title`` is then the status's
own phrase (RFC 9457, 4.2.1); ``code`` is an extension member (3.2) that programs can rely on.
"""

from __future__ import annotations

import json
import logging
import math
from typing import Final

import attrs

from .. import errors
from .._arguments import MAX_PROMPT_CHARACTERS

MEDIA_TYPE: Final = "application/problem+json"

# Seconds, where the service named none: as long as the client waits between attempts at most.
_RETRY_AFTER = 10.0


@attrs.frozen
class _Kind:
    status: int
    title: str
    code: str
    detail: str
    level: int
    # Whether the same request may succeed later, and after how many seconds at the earliest.
    passes: bool = False
    retry_after: float | None = None


_INVALID = _Kind(
    422,
    "Unprocessable Content",
    "invalid_question",
    "The question cannot be asked as it is: it is empty, has more than "
    f"{MAX_PROMPT_CHARACTERS:,} characters, or comes with a value that is not allowed.",
    logging.WARNING,
)
_SENSITIVE = _Kind(
    422,
    "Unprocessable Content",
    "sensitive_data",
    "The question seems to hold personal data, such as an e-mail address or a card number. "
    "Take it out, and ask again.",
    logging.INFO,
)
_UNSUPPORTED = _Kind(
    422,
    "Unprocessable Content",
    "unsupported_content",
    "Questions with this kind of content are not answered here.",
    logging.WARNING,
)
_LATER = _Kind(
    503,
    "Service Unavailable",
    "try_again_later",
    "There is no answer at the moment. Try again later.",
    logging.WARNING,
    passes=True,
    retry_after=_RETRY_AFTER,
)
_UNAVAILABLE = _Kind(
    503,
    "Service Unavailable",
    "unavailable",
    "Questions are not answered for the time being.",
    logging.ERROR,
)
_BAD_GATEWAY = _Kind(
    502,
    "Bad Gateway",
    "bad_gateway",
    "The service behind this one failed.",
    logging.WARNING,
    passes=True,
)
_TIMEOUT = _Kind(
    504,
    "Gateway Timeout",
    "timeout",
    "The service behind this one took too long.",
    logging.WARNING,
    passes=True,
)
_INTERNAL = _Kind(
    500,
    "Internal Server Error",
    "internal_error",
    "Something is wrong here. It has been reported.",
    logging.ERROR,
)

# For each class of error; those that are not named are answered as their base is. RFC 9110, 15.5
# and 15.6, says what each status means. A rate limit is that of the application, not of whoever
# asks it, so it is no 429; and the application's key, project and address are its own mistakes.
_KINDS: dict[type, _Kind] = {
    errors.VectorcacheError: _INTERNAL,
    errors.AuthenticationError: _INTERNAL,
    errors.PermissionDeniedError: _INTERNAL,
    errors.NotFoundError: _INTERNAL,
    errors.InvalidRequestError: _INVALID,
    errors.BadRequestError: _INVALID,
    errors.SensitiveDataError: _SENSITIVE,
    errors.NotCacheableError: _UNSUPPORTED,
    errors.RateLimitError: _LATER,
    errors.ServiceUnavailableError: _LATER,
    errors.APIConnectionError: _LATER,
    errors.QuotaExceededError: _UNAVAILABLE,
    errors.APITimeoutError: _TIMEOUT,
    errors.APIStatusError: _BAD_GATEWAY,
    errors.APIResponseError: _BAD_GATEWAY,
}


@attrs.frozen
class Problem:
    """One error's answer.

    Attributes:
        status: the HTTP status.
        title: the status's phrase.
        code: what went wrong, for programs; it will not change.
        detail: what went wrong, for people.
        level: how bad it is, as a level of ``logging``.
        retry_after: whole seconds after which to ask again; None where that is no use, or where
            nobody knows.
    """

    status: int
    title: str
    code: str
    detail: str
    level: int
    retry_after: int | None

    @classmethod
    def of(cls, error: errors.VectorcacheError) -> Problem:
        """What is answered for an error."""
        kind = next(_KINDS[base] for base in type(error).__mro__ if base in _KINDS)
        if isinstance(error, errors.APITimeoutError) and not error.attempts:
            kind = _LATER  # Too many at once, or over a limit of our own: nothing was sent.
        wait = (error.retry_after or kind.retry_after) if kind.passes else None
        return cls(
            kind.status,
            kind.title,
            kind.code,
            kind.detail,
            kind.level,
            None if wait is None else math.ceil(wait),
        )

    @property
    def body(self) -> bytes:
        """The problem details, as JSON."""
        details = {
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        return json.dumps(details).encode()

    @property
    def headers(self) -> dict[str, str]:
        """``Retry-After`` (RFC 9110, 10.2.3), where there is one."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}

    @property
    def is_own_mistake(self) -> bool:
        """Whether the application itself is at fault, so that its people look for the place."""
        return self.status == _INTERNAL.status

    def log(
        self, logger: logging.Logger, method: str, path: str, error: errors.VectorcacheError
    ) -> None:
        """Says all of it where only the application's own people read."""
        logger.log(
            self.level,
            "%s %r: %d for %s: %s",  # Somebody chose the path, and it may have line ends.
            method,
            path,
            self.status,
            type(error).__name__,
            error,
            exc_info=error if self.is_own_mistake else None,
        )
