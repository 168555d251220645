"""Makes a response of the answer that a client's fallback gave instead of the service."""

from __future__ import annotations

from .._llm import answer_flaw
from .._response import ResponseMeta, VectorcacheResponse
from ..errors import ConfigurationError, VectorcacheError


def response_from_fallback(
    answer: object, error: VectorcacheError, elapsed: float
) -> VectorcacheResponse:
    """Returns the response for an answer of the fallback.

    Args:
        answer: what the fallback returned.
        error: the error for which the fallback was asked.
        elapsed: seconds since the call began.

    Raises:
        ConfigurationError: the fallback did not return a text.
    """
    flaw = "" if answer == "" else answer_flaw(answer)
    if flaw:
        raise ConfigurationError(f"fallback must {flaw}") from error
    assert isinstance(answer, str)
    # The response holds the error. Frames of its context would live as long as the response.
    error.__context__ = None
    meta = ResponseMeta(
        error.status_code,
        request_id=error.request_id,
        attempts=error.attempts,
        elapsed=elapsed,
        error=error.with_traceback(None),
    )
    return VectorcacheResponse(False, answer, None, 0.0, "fallback", meta=meta)
