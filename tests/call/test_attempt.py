"""One attempt, without a network: its limits, its request, and what becomes of its answer."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from call.attempts import (
    ANSWERED,
    CONNECT,
    CONNECTED,
    IN_TLS,
    SEND,
    SENT,
    URL,
    Stream,
    async_trace,
    facts,
    make_attempt,
    sync_trace,
    tell,
)
from clients import KEY
from clock import Clock
from servers import HIT

from vectorcache import (
    APIConnectionError,
    APIResponseError,
    InternalServerError,
    InvalidRequestError,
)
from vectorcache._call.attempt import Attempt
from vectorcache._call.body import UnusableAnswer
from vectorcache._call.failure import AttemptFailed, Failure, Repeat
from vectorcache._call.network_errors import exception_to_raise


def request_of(attempt: Attempt, body: Any = None, **headers: str) -> httpx.Request:
    return attempt.request(method="post", url="/v1/cache/query", json=body, headers=headers)


def answered(attempt: Attempt, status: int, content: bytes, **headers: str) -> Any:
    """What the attempt makes of an answer that arrived as a whole."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx.Response(status, headers=named)
    reader = attempt.reader(response)
    reader.feed(content)
    return attempt.answer(response, reader)


@pytest.mark.parametrize(
    ("timeout", "deadline", "steps", "ends"),
    [
        (30.0, None, {"connect": 30.0, "read": 30.0, "write": 30.0}, 1_030.0),
        (None, None, {"connect": None, "read": None, "write": None}, None),
        (None, 1_010.0, {"connect": 10.0, "read": 10.0, "write": 10.0}, 1_010.0),
        (30.0, 1_010.0, {"connect": 10.0, "read": 10.0, "write": 10.0}, 1_010.0),
        (5.0, 1_010.0, {"connect": 5.0, "read": 5.0, "write": 5.0}, 1_005.0),
        (5.0, 900.0, {"connect": 0.001, "read": 0.001, "write": 0.001}, 1_000.001),
        (
            httpx.Timeout(5.0, read=20.0, pool=None),
            1_010.0,
            {"connect": 5.0, "read": 10.0, "write": 5.0, "pool": 10.0},
            1_010.0,
        ),
        (
            httpx.Timeout(5.0, read=None),
            None,
            {"connect": 5.0, "read": None, "write": 5.0, "pool": 5.0},
            None,
        ),
    ],
)
def test_the_shorter_limit_holds(
    timeout: float | httpx.Timeout | None,
    deadline: float | None,
    steps: dict[str, float | None],
    ends: float | None,
) -> None:
    """Each step gets what timeout and deadline leave, counted from when it has a connection."""
    attempt = make_attempt(timeout=timeout, deadline=deadline)
    attempt.begin(None)
    limits = request_of(attempt).extensions["timeout"]
    assert limits == {step: pytest.approx(left) if left else left for step, left in steps.items()}
    assert attempt.time.ends == (None if ends is None else pytest.approx(ends))


def test_an_attempts_time_begins_with_its_connection() -> None:
    """Waiting for a free connection is not the service's doing, and not counted."""
    clock, stream = Clock(), Stream()
    attempt = make_attempt(clock)
    assert attempt.doing == "waiting for a free connection"
    assert not attempt.time.expired
    clock.now += 5
    attempt.begin(stream)
    assert attempt.trace.network_stream is stream
    assert attempt.doing == "waiting for the answer of cache.test"
    clock.now += 3
    assert attempt.time.seconds_spent == 3
    assert attempt.time.seconds_left == 27
    clock.now += 40
    assert (attempt.time.seconds_spent, attempt.time.seconds_left, attempt.time.expired) == (
        30,
        0,
        True,
    )


def test_what_is_sent() -> None:
    """The request has the key, the headers of client and call, and compact JSON."""
    attempt = make_attempt(headers={"X-One": "1", "Content-Type": "text/plain"})
    request = request_of(attempt, {"prompt": "¿Qué?", "n": 1}, **{"Content-Type": "a/json"})
    assert (request.method, str(request.url)) == ("POST", f"{URL}/v1/cache/query")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert (request.headers["X-One"], request.headers["Content-Type"]) == ("1", "a/json")
    assert request.content == '{"prompt":"¿Qué?","n":1}'.encode()
    assert attempt.line == "POST /v1/cache/query"


@pytest.mark.parametrize("connected", [CONNECTED, IN_TLS])
def test_a_connection_made_too_late_is_closed(connected: str) -> None:
    """A thread that connects past its limit ends there; in time, it goes on."""
    clock, stream = Clock(), Stream()
    attempt = make_attempt(clock)
    attempt.begin(None)
    tell(attempt, CONNECT)
    assert attempt.doing == "connecting to cache.test"
    trace = sync_trace(attempt)
    trace(connected, {"return_value": stream})
    assert attempt.trace.network_stream is stream
    assert not stream.closed
    clock.now += 30
    tell(attempt, SEND)
    with pytest.raises(httpx.ConnectTimeout, match=r"^connected too late$"):
        trace(connected, {"return_value": stream})
    assert stream.closed


async def test_tasks_follow_the_same_account() -> None:
    """The attempt of a task knows how far its request got, too."""
    attempt = make_attempt()
    attempt.begin(None)
    trace = async_trace(attempt)
    assert attempt.trace.may_have_arrived  # Nothing has been reported.
    await trace(SEND, facts(SEND))
    assert attempt.doing == "sending the request to cache.test"
    assert not attempt.trace.may_have_arrived
    assert attempt.trace.over_idle_connection
    await trace(SENT, facts(SENT))
    assert attempt.trace.may_have_arrived
    assert not attempt.trace.answered
    await trace(ANSWERED, facts(ANSWERED))
    assert attempt.trace.answered


def test_what_a_proxy_is_asked_is_not_the_request() -> None:
    """Until the tunnel stands, the service has seen nothing, and messages name the proxy."""
    attempt = make_attempt()
    attempt.begin(None)
    attempt.trace.follow(CONNECT, {"host": "proxy.test", "port": 3128})
    assert attempt.doing == "connecting to cache.test through the proxy proxy.test:3128"
    tell(attempt, CONNECTED)
    attempt.trace.follow(SEND, {"request": SimpleNamespace(method=b"CONNECT")})
    tell(attempt, SENT, ANSWERED)
    assert attempt.doing == "connecting to cache.test through the proxy proxy.test:3128"
    assert (attempt.trace.may_have_arrived, attempt.trace.answered) == (False, False)
    tell(attempt, IN_TLS, SEND, SENT)
    assert attempt.doing == "waiting for the answer of cache.test"
    assert (attempt.trace.may_have_arrived, attempt.trace.answered) == (True, False)
    assert attempt.trace.proxy == "proxy.test:3128"


@pytest.mark.parametrize(
    ("url", "host", "port", "proxy"),
    [
        ("https://cache.test", "cache.test", 443, ""),
        ("https://cache.test", "cache.test", 80, "cache.test:80"),
        ("https://cache.test:8443", "cache.test", 8443, ""),
        ("https://cache.test:8443", "proxy.test", 8443, "proxy.test:8443"),
        ("http://127.0.0.1", "127.0.0.1", 80, ""),
        ("https://münchen.test", "xn--mnchen-3ya.test", 443, ""),
    ],
)
def test_a_proxy_is_known_by_its_address(url: str, host: str, port: int, proxy: str) -> None:
    """Connecting to anything but the service itself is connecting to a proxy."""
    attempt = make_attempt(url=url)
    attempt.trace.follow(CONNECT, {"host": host, "port": port})
    assert attempt.trace.proxy == proxy


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


def test_an_answer_that_is_none() -> None:
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


def test_errors_of_ours_pass() -> None:
    """What is one of our errors already stays as it is, and the request loses the key."""
    attempt = make_attempt()
    request, error = request_of(attempt), InvalidRequestError("no")
    assert exception_to_raise(error, attempt, request) is error
    assert "Authorization" not in request.headers
    assert exception_to_raise(error, attempt, request) is error


def failure_of(attempt: Attempt, error: Exception) -> Failure:
    failed = exception_to_raise(error, attempt, request_of(attempt))
    assert isinstance(failed, AttemptFailed)
    return failed.failure


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
