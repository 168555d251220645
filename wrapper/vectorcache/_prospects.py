"""What a prompt's error says of the prompts after it."""

from __future__ import annotations

from typing import Final

from .errors import (
    APIConnectionError,
    APIResponseError,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
)

# Every further prompt would meet it, too.
ENDS_ALL: Final = (
    AuthenticationError,
    PermissionDeniedError,
    NotFoundError,
    QuotaExceededError,
)

# Many of these in a row mean that nothing gets through.
OUTAGE: Final = (APIConnectionError, APIResponseError, InternalServerError, RateLimitError)
