"""What each error status means: error, words, whether to repeat and what to try."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from clients import KEY

from vectorcache import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    LLMProviderError,
    NotCacheableError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServiceUnavailableError,
)
from vectorcache._call.failure import Failure, Repeat
from vectorcache._call.status_errors import body_value, failure_from_status
from vectorcache._secret import APIKey

NEVER, TRANSIENT, THROTTLED = Repeat.NEVER, Repeat.TRANSIENT, Repeat.THROTTLED
LATER = "try again later, or call the LLM directly"


def meaning(status: int, body: Any = None, headers: dict[str, str] | None = None) -> Failure:
    """What an answer with this status and body means; bytes are a body as they are."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
    content = content.encode() if isinstance(content, str) else content
    return failure_from_status(status, httpx.Headers(headers), content, "8f2c", APIKey(KEY))


@pytest.mark.parametrize(
    ("status", "error", "words", "repeat", "advice"),
    [
        (201, APIStatusError, "created", NEVER, ""),
        (400, BadRequestError, "bad request", NEVER, ""),
        (
            401,
            AuthenticationError,
            "API key not accepted",
            NEVER,
            "check api_key= or VECTORCACHE_API_KEY",
        ),
        (
            403,
            PermissionDeniedError,
            "API key not allowed here",
            NEVER,
            "use a key of this project",
        ),
        (404, NotFoundError, "not found", NEVER, "check base_url, {base_url}"),
        (408, APIStatusError, "request timeout", TRANSIENT, ""),
        (409, APIStatusError, "conflict", NEVER, ""),
        (422, NotCacheableError, "not cacheable", NEVER, "call the LLM directly"),
        (425, APIStatusError, "too early", TRANSIENT, ""),
        (429, RateLimitError, "rate limit exceeded", THROTTLED, ""),
        (499, APIStatusError, "unknown status", NEVER, ""),
        (500, InternalServerError, "internal server error", TRANSIENT, LATER),
        (501, InternalServerError, "not implemented", NEVER, LATER),
        (502, LLMProviderError, "bad gateway", TRANSIENT, LATER),
        (503, ServiceUnavailableError, "service unavailable", TRANSIENT, LATER),
        (504, InternalServerError, "gateway timeout", TRANSIENT, LATER),
        (519, InternalServerError, "unknown status", NEVER, LATER),
        (
            520,
            InternalServerError,
            "the service did not answer the proxy before it",
            TRANSIENT,
            LATER,
        ),
        (
            530,
            InternalServerError,
            "the service did not answer the proxy before it",
            TRANSIENT,
            LATER,
        ),
        (531, InternalServerError, "unknown status", NEVER, LATER),
        (599, InternalServerError, "unknown status", NEVER, LATER),
        (600, APIStatusError, "unknown status", NEVER, ""),
    ],
)
def test_every_status_has_its_meaning(
    status: int, error: type[APIStatusError], words: str, repeat: Repeat, advice: str
) -> None:
    """The status alone gives class, words, repetition and advice, and no figures of its own."""
    assert meaning(status) == Failure(
        error=error,
        text=f"{status} {words}",
        repeat=repeat,
        advice=advice,
        status_code=status,
        request_id="8f2c",
        details={},
    )


def test_only_the_service_itself_can_blame_its_llm() -> None:
    """A 502 is the LLM provider's fault where the service says so in JSON."""
    assert meaning(502, {}).text == "502 the LLM provider failed"
    assert meaning(502, {"detail": "no"}).text == '502 the LLM provider failed: "no"'
    assert meaning(502, ["no"]).text == "502 bad gateway: \"['no']\""


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://elsewhere.example/v1?token=t#f", "redirect to elsewhere.example"),
        ("https://user:pass@elsewhere.example/", "redirect to elsewhere.example"),
        ("//elsewhere.example:8443", "redirect to elsewhere.example:8443"),
        ("/login?next=/", "redirect to /login"),
        ("", "redirect"),
        ("?token=t", "redirect"),
        (None, "redirect"),
    ],
)
@pytest.mark.parametrize("status", [300, 307, 399])
def test_a_redirect_says_where_to(status: int, location: str | None, words: str) -> None:
    """A redirect names its target, without what may be a secret in it."""
    headers = {} if location is None else {"Location": location}
    found = meaning(status, headers=headers)
    assert (found.error, found.repeat) == (APIStatusError, NEVER)
    assert found.text == f"{status} {words}"
    assert (
        found.advice == "set base_url to the new address of the service; redirects are not followed"
    )


@pytest.mark.parametrize(
    ("body", "words", "usage", "limit"),
    [
        (
            {"current_usage": 10_000, "monthly_limit": 20_000},
            "monthly quota used up (10,000 of 20,000)",
            10_000,
            20_000,
        ),
        ({"current_usage": 7}, "monthly quota used up", 7, None),
        ({"monthly_limit": 9}, "monthly quota used up", None, 9),
        ({"current_usage": "7", "monthly_limit": True}, "monthly quota used up", None, None),
        (
            {"detail": {"current_usage": 5, "monthly_limit": 5}},
            "monthly quota used up (5 of 5)",
            5,
            5,
        ),
        (
            {"error": {"current_usage": 5, "monthly_limit": 5}},
            "monthly quota used up (5 of 5)",
            5,
            5,
        ),
        (
            {"detail": {"current_usage": 5}, "monthly_limit": 6},
            "monthly quota used up (5 of 6)",
            5,
            6,
        ),
        (
            {"detail": {"current_usage": 5}, "current_usage": "many"},
            "monthly quota used up",
            5,
            None,
        ),
        ({"current_usage": 7.5, "monthly_limit": 2**63}, "monthly quota used up", None, None),
        (
            {"current_usage": 2**63 - 1, "monthly_limit": 0},
            "monthly quota used up (9,223,372,036,854,775,807 of 0)",
            2**63 - 1,
            0,
        ),
    ],
)
def test_the_quotas_figures(
    body: dict[str, Any], words: str, usage: int | None, limit: int | None
) -> None:
    """Either figure tells the monthly quota from the rate limit; only sane ones are handed out."""
    found = meaning(429, body)
    assert (found.error, found.repeat) == (QuotaExceededError, NEVER)
    assert found.text == f"429 {words}"
    assert found.details == {"current_usage": usage, "monthly_limit": limit}
    assert found.advice == "raise the plan's quota, or call the LLM directly until the month ends"
    assert meaning(503, body).error is ServiceUnavailableError


def test_the_wait_comes_with_the_failure() -> None:
    """Headers and body both say how long to wait, and the limit's reset does where it is 429."""
    assert meaning(503, headers={"Retry-After": "7"}).retry_after == 7
    assert meaning(503, {"retry_after": 8}).retry_after == 8
    assert meaning(503, {"detail": {"retry_after": 8}}).retry_after == 8
    assert meaning(500, {"error": {"retry_after": 8}}).retry_after == 8
    assert meaning(503, {"retry_after": 0, "detail": {"retry_after": 8}}).retry_after == 8
    assert meaning(429, headers={"X-RateLimit-Reset": "9"}).retry_after == pytest.approx(9, abs=1)
    assert meaning(503, headers={"X-RateLimit-Reset": "9"}).retry_after is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "one", "message": "two", "error": "three"}, "one"),
        ({"message": "two", "error": "three"}, "two"),
        ({"detail": "", "error": "three"}, "three"),
        ({"detail": None, "error": {"msg": "three"}}, "three"),
        ({"error": {"message": "three"}}, "three"),
        ({"detail": ["one", None, "two"]}, "one; two"),
        ({"detail": ["1", "2", "3", "4", "5", "6"]}, "1; 2; 3; 4; 5"),
        ({"detail": [["one", ["too deep"]]]}, "one"),
        ({"detail": [{"loc": ["body", "model"], "msg": "Field required"}]}, None),
        ({"detail": {"loc": ["body", 0], "msg": "wrong"}}, "body.0: wrong"),
        ({"detail": {"loc": list("abcdefg"), "msg": "m"}}, "a.b.c.d.e.f: m"),
        ({"detail": {"loc": [50 * "x"], "msg": "m"}}, 40 * "x" + ": m"),
        ({"detail": {"loc": "body", "msg": "wrong"}}, "wrong"),
        # Services that pass a dictionary to FastAPI's HTTPException.
        ({"detail": {"error": "slow_down", "message": "Too many requests"}}, "Too many requests"),
        ({"detail": {"error": "slow_down", "retry_after": 5}}, "slow_down"),
        ({"detail": {"detail": "one"}}, "one"),
        ({"detail": {"error": {"message": "one"}}}, "one"),
        ({"detail": {"retry_after": 5}, "message": "two"}, "two"),
        ([1, 2], "[1, 2]"),
        ("words\r\n alone", "words alone"),
        (b"<html><title>t</title><p>502 &amp; more</p>", "502 & more"),
        (b"\xff broken", "� broken"),
    ],
)
def test_the_services_own_words(body: Any, words: str | None) -> None:
    """Of a body's shapes, the first words that say something, short and on one line."""
    expected = "body.model: Field required" if words is None else words
    assert meaning(400, body).text == f'400 bad request: "{expected}"'
    if not isinstance(body, bytes):
        assert meaning(400, body).body == body


@pytest.mark.parametrize(
    "body", [None, {}, {"detail": []}, {"detail": {"loc": [1]}}, {"detail": 5}, b" \n"]
)
def test_nothing_said_is_nothing_quoted(body: Any) -> None:
    """Where the body says nothing, the message ends with the status."""
    assert meaning(400, body).text == "400 bad request"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", None),
        (b"null", "null"),
        (b'{"a": [1, "two"]}', {"a": [1, "two"]}),
        (b"not {json", "not {json"),
        (b"\xfe\xff", "��"),
        (50 * b"[" + 50 * b"]", 50 * "[" + 50 * "]"),
        (51 * b"[" + 51 * b"]", 51 * "[" + 51 * "]"),
        (51 * b'{"a":' + b"1" + 51 * b"}", (51 * '{"a":' + "1" + 51 * "}")[:299] + "…"),
    ],
)
def test_a_body_is_its_json_or_its_text(content: bytes, expected: Any) -> None:
    """``error.body`` is the JSON value, where that is not too deep, or else the text."""
    found = body_value(content, APIKey(KEY))
    assert found == (json.loads(content) if content == 50 * b"[" + 50 * b"]" else expected)


def test_the_key_is_taken_out_of_every_part_of_a_body() -> None:
    """Wherever a server repeats the key, escaped or not, it does not come through."""
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    for shown in (KEY, escaped):
        body = f'{{"{shown}": ["{shown}", {{"a": "x {shown} y"}}], "n": 1}}'
        expected = {"[key removed]": ["[key removed]", {"a": "x [key removed] y"}], "n": 1}
        assert body_value(body.encode(), APIKey(KEY)) == expected
    assert body_value(f"<p>{KEY}".encode(), APIKey(KEY)) == "[key removed]"
