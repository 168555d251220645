"""The responses of web applications to failed queries, the same in every framework."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from vectorcache import errors
from vectorcache.integrations._problem import MEDIA_TYPE, Problem

# Each error: the status, the code, and Retry-After if the service named 2.5 s, and if it did not.
ANSWERS: dict[str, tuple[int, str, int | None, int | None]] = {
    "APIConnectionError": (503, "try_again_later", 3, 10),
    "APIResponseError": (502, "bad_gateway", 3, None),
    "APIStatusError": (502, "bad_gateway", 3, None),
    "APITimeoutError": (504, "timeout", 3, None),
    "AuthenticationError": (500, "internal_error", None, None),
    "BadRequestError": (422, "invalid_question", None, None),
    "CircuitOpenError": (503, "try_again_later", 3, 10),
    "ConfigurationError": (500, "internal_error", None, None),
    "InternalServerError": (502, "bad_gateway", 3, None),
    "InvalidRequestError": (422, "invalid_question", None, None),
    "LLMProviderError": (502, "bad_gateway", 3, None),
    "NotCacheableError": (422, "unsupported_content", None, None),
    "NotFoundError": (500, "internal_error", None, None),
    "PermissionDeniedError": (500, "internal_error", None, None),
    "QuotaExceededError": (503, "unavailable", None, None),
    "RateLimitError": (503, "try_again_later", 3, 10),
    "SensitiveDataError": (422, "sensitive_data", None, None),
    "ServiceUnavailableError": (503, "try_again_later", 3, 10),
    "VectorcacheError": (500, "internal_error", None, None),
}


def make_error(name: str, message: str = "It failed.", **details: Any) -> errors.VectorcacheError:
    made: errors.VectorcacheError = getattr(errors, name)(message, attempts=1, **details)
    return made


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_has_a_response(name: str) -> None:
    """Each error has a status and a code that will not change, and passes ``Retry-After`` on."""
    status, code, passed_on, otherwise = ANSWERS[name]
    problem = Problem.from_error(make_error(name, retry_after=2.5))
    assert (problem.status, problem.code, problem.retry_after) == (status, code, passed_on)
    assert Problem.from_error(make_error(name)).retry_after == otherwise


def test_a_derived_error() -> None:
    """A class that a user derives from an error has the response of its base class."""

    class NotOnSundays(errors.InvalidRequestError):
        pass

    assert Problem.from_error(NotOnSundays("Come back tomorrow.")).code == "invalid_question"


def test_a_timeout_before_anything_was_sent() -> None:
    """A timeout before the request was sent is a 503, as the service was not slow."""
    problem = Problem.from_error(errors.APITimeoutError("no free connection", attempts=0))
    assert (problem.status, problem.retry_after) == (503, 10)


@pytest.mark.parametrize("name", errors.__all__)
def test_a_body_contains_nothing_of_the_error(name: str) -> None:
    """A body has RFC 9457's members and a code, and names neither the error nor this package."""
    secret = "key vc_1, host db-7.internal, the prompt"
    problem = Problem.from_error(
        make_error(name, secret, body={"detail": secret}, request_id=secret)
    )
    details = json.loads(problem.body)
    assert problem.body == Problem.from_error(make_error(name)).body
    assert details.keys() == {"title", "status", "code", "detail"}
    assert details["status"] == problem.status
    assert "ectorcache" not in problem.body.decode()
    assert MEDIA_TYPE == "application/problem+json"


def test_the_log_has_the_whole_error(caplog: pytest.LogCaptureFixture) -> None:
    """One record has the request, the status and the whole error."""
    error = make_error("ServiceUnavailableError", "503 service unavailable (request r-1)")
    Problem.from_error(error).log(logging.getLogger("application"), "POST", "/query\nfaked", error)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "POST '/query\\nfaked': 503 for ServiceUnavailableError: "
        "503 service unavailable (request r-1)"
    )
    assert record.exc_info is None


def test_the_log_of_an_applications_own_mistake(caplog: pytest.LogCaptureFixture) -> None:
    """An application's own mistake is logged as an ERROR, with its traceback."""
    error = make_error("AuthenticationError")
    Problem.from_error(error).log(logging.getLogger("application"), "POST", "/query", error)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None and record.exc_info[1] is error
