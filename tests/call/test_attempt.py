"""One attempt, without a network: its request, and what becomes of its answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from call.attempts import (
    URL,
    failure_of,
    make_attempt,
    request_of,
)
from clients import KEY
from clock import Clock
from servers import HIT

from vectorcache import (
    APIResponseError,
)
from vectorcache._call.attempt import Attempt
from vectorcache._call.body import UnusableAnswer
from vectorcache._call.failure import AttemptFailed
from vectorcache._call.network_errors import exception_to_raise


def answered(attempt: Attempt, status: int, content: bytes, **headers: str) -> Any:
    """What the attempt makes of an answer that arrived as a whole."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx.Response(status, headers=named)
    reader = attempt.reader(response)
    reader.feed(content)
    return attempt.answer(response, reader)


def test_what_is_sent() -> None:
    """The request has the key, the headers of client and call, and compact JSON."""
    attempt = make_attempt(headers={"X-One": "1", "Content-Type": "text/plain"})
    request = request_of(attempt, {"prompt": "¿Qué?", "n": 1}, **{"Content-Type": "a/json"})
    assert (request.method, str(request.url)) == ("POST", f"{URL}/v1/cache/query")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert (request.headers["X-One"], request.headers["Content-Type"]) == ("1", "a/json")
    assert request.content == '{"prompt":"¿Qué?","n":1}'.encode()
    assert attempt.line == "POST /v1/cache/query"


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"x-request-id": "one", "request-id": "two", "cf-ray": "three"}, "one"),
        ({"request-id": "two", "cf-ray": "three"}, "two"),
        ({"x-request-id": "", "cf-ray": "three"}, "three"),
        ({"x-request-id": " o\tn\x7fe\xe9~! "}, "one~!"),
        ({"x-request-id": f"a-{KEY}-b"}, "a-[key removed]-b"),
        ({"x-request-id": 200 * "x"}, 128 * "x"),
        ({"x-request-id": "\xe9"}, None),
        ({"date": "now"}, None),
    ],
)
def test_the_services_name_for_a_request(headers: dict[str, str], name: str | None) -> None:
    """Of the usual headers the first that says something: printable, short and without the key."""
    attempt = make_attempt()
    attempt.reader(httpx.Response(200, headers=httpx.Headers(headers, encoding="latin-1")))
    assert attempt.request_id == name


@pytest.mark.parametrize(
    ("length", "of"),
    [
        ("1234567", " of 1,234,567"),
        ("999999999999999", " of 999,999,999,999,999"),
        ("1000000000000000", ""),
        ("-1", ""),
        ("1e3", ""),
    ],
)
def test_how_much_of_an_answer_came(length: str, of: str) -> None:
    """Messages give the bytes that came, and of how many where the service said so."""
    attempt = make_attempt()
    reader = attempt.reader(httpx.Response(200, headers={"Content-Length": length}))
    reader.feed(1_500 * b" ")
    assert attempt.doing == f"reading the answer (1,500{of} bytes arrived)"


def test_a_good_answer() -> None:
    """What the contract promises is handed on as it came."""
    attempt = make_attempt()
    answer = answered(attempt, 200, json.dumps(HIT).encode(), X_One="1")
    assert (answer.status_code, json.loads(answer.content)) == (200, HIT)
    assert answer.headers["x-one"] == attempt.answer_headers["x-one"] == "1"
    assert attempt.status_code == 200


def test_an_answer_larger_than_the_limit() -> None:
    """``max_response_bytes`` is the client's."""
    with pytest.raises(UnusableAnswer, match="larger than 10 bytes"):
        answered(make_attempt(max_response_bytes=10), 200, json.dumps(HIT).encode())


def test_an_unusable_answer() -> None:
    """An answer that breaks the contract is quoted, and its body kept without the key."""
    attempt = make_attempt()
    with pytest.raises(UnusableAnswer) as caught:
        answered(attempt, 200, f"Hello {KEY}".encode(), X_Request_Id="8f2c")
    failure = failure_of(attempt, caught.value)
    assert (failure.error, failure.status_code) == (APIResponseError, 200)
    assert (failure.body, failure.request_id) == ("Hello [key removed]", "8f2c")
    assert failure.text.startswith("cache.test sent an answer that cannot be used: it is not JSON")
    assert failure.text.endswith(' ("Hello [key removed]")')


@pytest.mark.parametrize(
    ("content", "encoding", "body"),
    [
        (b'{"detail": "boom"}', "", {"detail": "boom"}),
        (b"not gzip", "gzip", None),
        (b"\x00", "br", None),
    ],
)
def test_an_error_status_decides(content: bytes, encoding: str, body: Any) -> None:
    """Of a broken body nothing is known, but the status is enough."""
    with pytest.raises(AttemptFailed) as caught:
        answered(
            make_attempt(),
            503,
            content,
            Content_Encoding=encoding,
            X_Request_Id="8f2c",
            Retry_After="7",
        )
    failure = caught.value.failure
    assert (failure.status_code, failure.request_id, failure.body) == (503, "8f2c", body)
    assert failure.retry_after == 7


@pytest.mark.parametrize(
    ("headers", "late"),
    [({}, True), ({"Content_Length": "150"}, False), ({"Transfer_Encoding": "chunked"}, False)],
)
def test_an_answer_that_only_time_ended(headers: dict[str, str], late: bool) -> None:
    """With no length of its own, an answer that ends when time is up is not known to be whole."""
    clock = Clock()
    attempt = make_attempt(clock)
    attempt.begin(None)
    content = json.dumps(HIT).encode()
    assert answered(attempt, 200, content, **headers).status_code == 200
    clock.now += 30
    if late:
        with pytest.raises(httpx.ReadTimeout, match=r"^the answer had not ended$"):
            answered(attempt, 200, content, **headers)
    else:
        assert answered(attempt, 200, content, **headers).status_code == 200


def test_nothing_is_known_of_an_answer_yet() -> None:
    """A new attempt has no answer, and can be ended at once."""
    attempt = make_attempt()
    assert (attempt.line, attempt.status_code, attempt.request_id) == ("", None, None)
    assert attempt.limit_headers == {}
    attempt.end_now()
    assert attempt.time.expired


def test_what_a_rate_limit_gets_of_a_failed_attempt() -> None:
    """Of a failed answer's headers, those that tell of the limit are kept, and no others."""
    attempt = make_attempt()
    attempt.begin(None)
    headers = {"X-RateLimit-Remaining": "0", "Retry-After": "7", "Server": "x"}
    attempt.reader(httpx.Response(503, headers=headers))
    request = httpx.Request("POST", "https://cache.test")
    exception_to_raise(httpx.ReadError("reset"), attempt, request)
    assert attempt.limit_headers == {"retry-after": "7", "x-ratelimit-remaining": "0"}
