"""What an attempt that fails hands on: plain data, without the key and without frames."""

from __future__ import annotations

import httpx
import pytest
from call.attempts import ANSWERED, SENT_ALL, attempt_after, failure_of, make_attempt, request_of
from clients import KEY

from vectorcache import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    InternalServerError,
    InvalidRequestError,
)
from vectorcache._call.body import AnswerTooLarge, UnusableAnswer
from vectorcache._call.failure import AttemptFailed, Failure, Repeat
from vectorcache._call.foreign_exceptions import without_frames
from vectorcache._call.network_errors import (
    exception_to_raise,
    failure_from_full_queue,
    failure_from_unusable_answer,
    without_key,
)
from vectorcache._secret import APIKey


def caused_by(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def test_no_free_connection() -> None:
    """Waiting in vain for one of one's own connections is not the service's fault."""
    assert failure_from_full_queue(7) == Failure(
        error=APITimeoutError,
        text="timed out waiting for a free connection (max_connections=7)",
        repeat=Repeat.NEVER,
        advice="nothing was sent; raise max_connections= or deadline=, or send fewer at once",
        sent=False,
    )


@pytest.mark.parametrize(
    ("reason", "body", "quoted", "repeat", "advice"),
    [
        (
            UnusableAnswer("it is not JSON"),
            "Welcome!",
            ' ("Welcome!")',
            Repeat.UNCERTAIN,
            "check that base_url leads to Vectorcache, and not to a proxy or another server",
        ),
        (
            UnusableAnswer("response is missing"),
            {"cache_hit": True},
            "",
            Repeat.UNCERTAIN,
            "check that base_url leads to Vectorcache, and not to a proxy or another server",
        ),
        (AnswerTooLarge("it is large"), None, "", Repeat.NEVER, "raise max_response_bytes="),
    ],
)
def test_an_answer_that_cannot_be_used(
    reason: UnusableAnswer, body: object, quoted: str, repeat: Repeat, advice: str
) -> None:
    """The error has all that came; what is too large now is too large the next time."""
    attempt = attempt_after(*SENT_ALL, ANSWERED)
    attempt.reader(httpx.Response(200, headers={"x-request-id": "8f2c"}))
    reason.body = body
    assert failure_from_unusable_answer(reason, attempt) == Failure(
        error=APIResponseError,
        text=f"cache.test sent an answer that cannot be used: {reason}{quoted}",
        repeat=repeat,
        advice=advice,
        status_code=200,
        request_id="8f2c",
        body=body,
    )


def test_the_key_is_in_no_failure() -> None:
    """The text loses the key, and so does what caused it, at any depth."""
    key = APIKey(KEY)
    plain = Failure(error=APIConnectionError, text=f"sent {KEY}", repeat=Repeat.UNCERTAIN)
    harmless, telling = ValueError("no"), caused_by(ValueError("no"), ValueError(KEY))
    assert without_key(plain, key).text == "sent [key removed]"
    assert without_key(plain._replace(cause=harmless), key).cause is harmless
    assert without_key(plain._replace(cause=telling), key).cause is None
    telling.__cause__, telling.__context__ = ValueError(KEY), ValueError("no")
    assert without_key(plain._replace(cause=telling), key).cause is None
    assert str(AttemptFailed(plain)) == plain.text
    assert AttemptFailed(plain).failure is plain


def test_frames_are_dropped_along_the_whole_chain() -> None:
    """Neither an exception nor what led to it keeps the variables of its frames."""
    try:
        try:
            raise ValueError("first")
        except ValueError as first:
            first.__context__ = first  # Even where the chain bites its tail.
            raise KeyError("second") from first
    except KeyError as second:
        assert without_frames(second) is second
        assert second.__traceback__ is None
        assert second.__cause__ is not None
        assert second.__cause__.__traceback__ is None


def test_errors_of_ours_pass() -> None:
    """What is one of our errors already stays as it is, and the request loses the key."""
    attempt = make_attempt()
    request, error = request_of(attempt), InvalidRequestError("no")
    assert exception_to_raise(error, attempt, request) is error
    assert "Authorization" not in request.headers
    assert exception_to_raise(error, attempt, request) is error


def test_every_other_error_becomes_a_failure() -> None:
    """Whatever sending or reading ends with is told without the key."""
    attempt = make_attempt()
    failed = Failure(InternalServerError, f"500 {KEY}", Repeat.TRANSIENT, request_id="8f2c")
    found = failure_of(attempt, AttemptFailed(failed))
    assert found == failed._replace(text="500 [key removed]")
    found = failure_of(attempt, UnusableAnswer("it is not JSON"))
    assert found.error is APIResponseError
    assert "it is not JSON" in found.text
    found = failure_of(attempt, httpx.ConnectError(f"no {KEY}"))
    assert (found.error, found.cause) == (APIConnectionError, None)
    assert found.text == "could not connect to cache.test: no [key removed]"


@pytest.mark.parametrize("status", [200, 503])
def test_a_known_status_decides_though_the_rest_is_lost(status: int) -> None:
    """Where an error's body breaks off, status and headers say what is to be done."""
    attempt = make_attempt()
    attempt.begin(None)
    attempt.reader(httpx.Response(status, headers={"Retry-After": "7"}))
    error = httpx.ReadError("reset")
    found = failure_of(attempt, error)
    lost = "the connection to cache.test broke while reading the answer (0 bytes arrived): reset"
    assert found.cause is error
    assert found.status_code == status
    if status == 200:
        assert (found.text, found.retry_after) == (lost, None)
    else:
        assert (found.text, found.retry_after) == (f"503 service unavailable; {lost}", 7)
        assert found.repeat is Repeat.TRANSIENT
