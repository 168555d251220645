"""What is known of an attempt that failed, as plain data."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import VectorcacheError


class Repeat(enum.Enum):
    """Whether a failed attempt may be repeated, and why."""

    NEVER = "never"
    # The server closed an idle connection as the request was written. It has seen nothing of the
    # request, so the attempt does not count.
    STALE_CONNECTION = "stale connection"
    # The request may have reached the service, which may have paid the LLM for an answer.
    UNCERTAIN = "uncertain"
    # The service did not process the request, and may do so in a moment.
    TRANSIENT = "transient"
    # The service refused the request because there were too many.
    THROTTLED = "throttled"


class Failure(NamedTuple):
    """Why one attempt failed, as plain data.

    Attributes:
        error: the class of the error that the call raises if it makes no further attempt.
        text: what happened, for the message of that error.
        repeat: whether the attempt may be repeated.
        advice: what the user can do about it; ``{base_url}`` stands for the client's.
        status_code: the HTTP status of the answer; None if there was none.
        retry_after: seconds for which the service, or the circuit breaker, asks to wait.
        request_id: the service's name for the request.
        body: the JSON value of the answer, or an excerpt of its text.
        headers: the headers of the answer that an error keeps.
        details: further attributes of the error.
        cause: the original exception, which becomes the ``__cause__`` of the error.
        sent: whether the attempt counts as one: False if the client itself refused it.
    """

    error: type[VectorcacheError]
    text: str
    repeat: Repeat
    advice: str = ""
    status_code: int | None = None
    retry_after: float | None = None
    request_id: str | None = None
    body: Any = None
    headers: Mapping[str, str] = MappingProxyType({})
    details: Mapping[str, Any] = MappingProxyType({})
    cause: BaseException | None = None
    sent: bool = True


class AttemptFailed(Exception):
    """Carries a failure through the generated client to the loop that asked for the attempt."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure
