"""The response of a web application to a failed query: problem details (RFC 9457).

All frameworks share these rules. The body is one of a few constants. It contains nothing from the
error, because an error names the service, quotes it and advises the developer: that belongs in the
log. The body does not name this package either, as users need not know what an application is built
on. So ``type`` is left out, which means ``about:blank``, and ``title`` is then the phrase of the
status (RFC 9457, 4.2.1). ``code`` is an extension member (3.2) on which programs can rely.
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

# Seconds to wait if the service named none: the longest wait of the client between attempts.
_RETRY_AFTER = 10.0


@attrs.frozen
class _Kind:
    status: int
    title: str
    code: str
    detail: str
    level: int
    # Whether the same request may succeed later, and the earliest time for it in seconds.
    passes: bool = False
    retry_after: float | None = None


_INVALID = _Kind(
    422,
    "Unprocessable Content",
    "invalid_question",
    "This question cannot be asked: it is empty, has more than "
    f"{MAX_PROMPT_CHARACTERS:,} characters, or has a value that is not allowed.",
    logging.WARNING,
)
_SENSITIVE = _Kind(
    422,
    "Unprocessable Content",
    "sensitive_data",
    "The question seems to contain personal data, such as an e-mail address or a card number. "
    "Remove it, and ask again.",
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
    "The question cannot be answered at the moment. Try again later.",
    logging.WARNING,
    passes=True,
    retry_after=_RETRY_AFTER,
)
_UNAVAILABLE = _Kind(
    503,
    "Service Unavailable",
    "unavailable",
    "Questions cannot be answered at present.",
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

# The response for each class of error; a class without an entry has that of its base class.
# RFC 9110, 15.5 and 15.6, says what each status means. A rate limit applies to the application, not
# to its user, so the status is not 429. A wrong key, project or address is the application's own
# mistake.
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
    """The response to one error.

    Attributes:
        status: the HTTP status.
        title: the phrase of the status.
        code: what went wrong, for programs; it will not change.
        detail: what went wrong, for people.
        level: how serious it is, as a level of ``logging``.
        retry_after: whole seconds after which to ask again; None if that does not help, or if the
            time is unknown.
    """

    status: int
    title: str
    code: str
    detail: str
    level: int
    retry_after: int | None

    @classmethod
    def from_error(cls, error: errors.VectorcacheError) -> Problem:
        """Returns the response to an error."""
        kind = next(_KINDS[base] for base in type(error).__mro__ if base in _KINDS)
        if isinstance(error, errors.APITimeoutError) and not error.attempts:
            kind = _LATER  # Nothing was sent: too many requests at once, or the client's own limit.
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
        """``Retry-After`` (RFC 9110, 10.2.3), if there is a time to retry after."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}

    @property
    def is_own_mistake(self) -> bool:
        """Whether the application itself is wrong, so that its log needs a traceback."""
        return self.status == _INTERNAL.status

    def log(
        self, logger: logging.Logger, method: str, path: str, error: errors.VectorcacheError
    ) -> None:
        """Logs the whole error, where only the operators of the application read it."""
        logger.log(
            self.level,
            # A user chose the path, which may contain line breaks, so it is logged by its repr.
            "%s %r: %d for %s: %s",
            method,
            path,
            self.status,
            type(error).__name__,
            error,
            exc_info=error if self.is_own_mistake else None,
        )
