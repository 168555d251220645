"""Which error a user gets, what it says and what it carries."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest
from clients import KEY, AnyClient, MakeClient
from servers import ScriptedServer, answer

import vectorcache
from vectorcache import errors
from vectorcache.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InternalServerError,
    InvalidRequestError,
    LLMProviderError,
    NotCacheableError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServiceUnavailableError,
    VectorcacheError,
)

ALL_ERRORS: list[type[VectorcacheError]] = [
    getattr(errors, name) for name in errors.__all__ if name != "VectorcacheError"
]


def drawn_tree() -> dict[str, list[str]]:
    """The names in the tree that errors.py draws, each with all its ancestors."""
    ancestors: dict[str, list[str]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"([│ ]*(?:├── |└── )?)([A-Z]\w+Error)\b", line)
        if match:
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            ancestors[match[2]] = path[:depth]
    return ancestors


def test_the_drawn_tree_is_the_real_one() -> None:
    """Whoever catches a class by the drawing in ``errors`` catches what hangs below it."""
    drawn = drawn_tree()
    assert drawn.keys() == set(errors.__all__)
    for name, ancestors in drawn.items():
        real = [
            c.__name__ for c in getattr(errors, name).__mro__ if c.__module__ == errors.__name__
        ]
        assert real[1:] == ancestors[::-1]


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (ConfigurationError, ValueError),
        (InvalidRequestError, ValueError),
        (errors.APITimeoutError, TimeoutError),
    ],
)
def test_errors_that_are_also_builtin_ones(error: type, builtin: type) -> None:
    """Code that catches the usual built-in classes catches ours."""
    assert issubclass(error, builtin)


@pytest.mark.parametrize("kind", [VectorcacheError, *ALL_ERRORS])
def test_errors_pickle_and_copy(kind: type[VectorcacheError]) -> None:
    """Every error reaches another process with all it carries."""
    error = kind(
        "what happened",
        status_code=429,
        retry_after=1.5,
        request_id="8f2c",
        body={"detail": ["x"]},
        attempts=3,
    )
    if isinstance(error, QuotaExceededError):
        error.current_usage, error.monthly_limit = 10, 20
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is kind
        assert str(other) == other.message == "what happened"
        assert vars(other) == vars(error)


@pytest.mark.parametrize("kind", [VectorcacheError, *ALL_ERRORS])
def test_an_error_holds_what_it_was_given(kind: type[VectorcacheError]) -> None:
    """Every error has all attributes, whether something is known for them or not."""
    facts: dict[str, Any] = {
        "status_code": 429,
        "retry_after": 1.5,
        "request_id": "8f2c",
        "body": ["x"],
        "attempts": 3,
    }
    quota: dict[str, Any] = (
        {"current_usage": 10, "monthly_limit": 20} if kind is QuotaExceededError else {}
    )
    error = kind("what happened", **facts, **quota)
    assert vars(error) == {"message": "what happened", **facts, **quota}
    assert error.args == ("what happened",)
    nothing = {**dict.fromkeys(facts), "attempts": 0, **dict.fromkeys(quota)}
    assert vars(kind("why")) == {"message": "why", **nothing}


@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [
        (400, BadRequestError, 1),
        (401, AuthenticationError, 1),
        (403, PermissionDeniedError, 1),
        (404, NotFoundError, 1),
        (405, APIStatusError, 1),
        (408, APIStatusError, 3),
        (413, APIStatusError, 1),
        (422, NotCacheableError, 1),
        (425, APIStatusError, 3),
        (429, RateLimitError, 3),
        (499, APIStatusError, 1),
        (500, InternalServerError, 3),
        (501, InternalServerError, 1),
        (502, LLMProviderError, 3),
        (503, ServiceUnavailableError, 3),
        (504, InternalServerError, 3),
        (520, InternalServerError, 3),
        (530, InternalServerError, 3),
        (599, InternalServerError, 1),
        (201, APIStatusError, 1),
        (204, APIStatusError, 1),
        (301, APIStatusError, 1),
        (600, APIStatusError, 1),
        (999, APIStatusError, 1),
    ],
)
@pytest.mark.parametrize("body", ["json", "html", "empty"])
def test_the_status_decides(
    client: AnyClient,
    server: ScriptedServer,
    status: int,
    kind: type[APIStatusError],
    attempts: int,
    body: str,
) -> None:
    """Each status has its class and its number of attempts, whatever the body is."""
    server.default = {
        "json": answer({"detail": "because"}, status=status),
        "html": answer(status=status, raw=b"<html><body>because</body></html>"),
        "empty": answer(status=status, raw=b""),
    }[body]
    with pytest.raises(APIStatusError) as caught:
        client.query("Q", "m")
    error = caught.value
    assert type(error) is kind
    assert (error.status_code, error.attempts, len(server.requests)) == (status, attempts, attempts)
    assert str(error).startswith(f"{status} ")
    if body != "empty" and status != 204:
        assert '"because"' in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "similarity_threshold must be between 0 and 1"}, "must be between 0 and 1"),
        ({"error": "rate_limited", "message": "Slow down."}, "Slow down."),
        ({"error": "rate_limited"}, "rate_limited"),
        ({"error": {"message": "nested"}}, "nested"),
        (
            {"detail": [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"}]},
            "body.prompt: Field required",
        ),
        ({"detail": ["one", "two"]}, "one; two"),
        ("just text", "just text"),
    ],
)
def test_the_words_of_the_service_are_in_the_message(
    client: AnyClient, server: ScriptedServer, body: Any, words: str
) -> None:
    """Whatever shape the body has, the message has the service's own words, the error the body."""
    server.script = [answer(body, status=400)]
    with pytest.raises(BadRequestError, match=re.escape(words)) as caught:
        client.query("Q", "m")
    assert caught.value.body == body


def test_a_message_tells_the_whole_story(make_client: MakeClient, server: ScriptedServer) -> None:
    """A message has the status, the service's words, the request, the attempts and the wait."""
    limited = {"error": "rate_limited", "message": "Rate limit exceeded.", "retry_after": 27}
    server.script = [
        answer({"detail": "boom"}, status=500),
        answer(limited, status=429, headers={"X-Request-Id": "8f2c"}),
    ]
    with pytest.raises(RateLimitError) as caught:
        make_client(deadline=20).query("Q", "m")
    assert re.fullmatch(
        r'429 rate limit exceeded: "Rate limit exceeded\." \(request 8f2c, 2 attempts in '
        r"\S+ s, try again in 27 s, .*deadline of 20 s.*, before that: 500 internal server "
        r'error: "boom"\)',
        str(caught.value),
    )
    assert caught.value.message == str(caught.value)
    assert (caught.value.retry_after, caught.value.request_id) == (27, "8f2c")


def test_the_first_cause_is_not_lost(client: AnyClient, server: ScriptedServer) -> None:
    """An error tells of all that happened before it, each thing once."""
    server.script = [
        answer({"detail": "overloaded"}, status=500),
        answer({"detail": "down"}, status=503),
        answer({"detail": "down"}, status=503),
    ]
    with pytest.raises(ServiceUnavailableError) as caught:
        client.query("Q", "m")
    assert str(caught.value).count("down") == 1
    assert 'before that: 500 internal server error: "overloaded"' in str(caught.value)


def test_a_proxys_502_is_not_blamed_on_the_llm(client: AnyClient, server: ScriptedServer) -> None:
    """Only the service itself can say that its LLM provider failed."""
    page = b"<html><title>502</title><h1>502 Bad Gateway</h1></html>"
    server.default = answer(status=502, raw=page)
    with pytest.raises(LLMProviderError, match=r'^502 bad gateway: "502 Bad Gateway" '):
        client.query("Q", "m")


def test_a_used_up_quota_has_its_own_error(client: AnyClient, server: ScriptedServer) -> None:
    """The monthly quota is told from the rate limit, with its figures, and never retried."""
    body = {"detail": "Monthly quota exceeded", "current_usage": 10_000, "monthly_limit": 10_000}
    server.script = [answer(body, status=429, headers={"Retry-After": "1"})]
    with pytest.raises(QuotaExceededError, match=r"10,000 of 10,000") as caught:
        client.query("Q", "m")
    assert isinstance(caught.value, RateLimitError)
    assert (caught.value.current_usage, caught.value.monthly_limit) == (10_000, 10_000)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://elsewhere.example/v1", "elsewhere.example"),
        ("//user:pass@elsewhere.example:8443/", "elsewhere.example:8443"),
        ("/login?token=pass", "redirect to /login ("),
    ],
)
def test_redirects_are_not_followed(
    client: AnyClient, server: ScriptedServer, location: str, host: str
) -> None:
    """A redirect is an error that names its target; the key goes nowhere."""
    server.script = [answer(status=307, headers={"Location": location})]
    with pytest.raises(APIStatusError, match=re.escape(host)) as caught:
        client.query("Q", "m")
    assert "pass" not in str(caught.value)
    assert len(server.requests) == 1


def test_a_refused_connection_is_tried_again(make_client: MakeClient) -> None:
    """Where nobody listens, the error says where that was, and has its cause."""
    client = make_client(base_url="http://127.0.0.1:9")
    with pytest.raises(APIConnectionError, match=r"could not connect to 127\.0\.0\.1:9") as caught:
        client.query("Q", "m")
    assert caught.value.attempts == 3
    assert caught.value.__cause__ is not None
    assert caught.value.status_code is None


def test_a_service_that_repeats_the_key_does_not_show_it(
    client: AnyClient, server: ScriptedServer
) -> None:
    """The key is taken out of what an error quotes."""
    server.script = [answer({"detail": f"Invalid API key {KEY}"}, status=401)]
    with pytest.raises(AuthenticationError, match=r"Invalid API key \[key removed\]") as caught:
        client.query("Q", "m")
    assert KEY not in repr(vars(caught.value))


def test_excerpts_are_short_and_clean(client: AnyClient, server: ScriptedServer) -> None:
    """A proxy's page is quoted in one short line, without markup, scripts and control bytes."""
    page = b"<html><script>evil()</script><h1>Bad\r\n\x1b[31m Gateway &amp; co</h1>" + 9_000 * b"x "
    server.default = answer(status=404, raw=page)
    with pytest.raises(NotFoundError) as caught:
        client.query("Q", "m")
    message = str(caught.value)
    assert "Bad [31m Gateway & co" in message
    assert "evil" not in message
    assert "\x1b" not in message
    assert len(message) < 500


def test_every_error_is_exported() -> None:
    """All errors can be imported from the package itself."""
    for name in errors.__all__:
        assert getattr(vectorcache, name) is getattr(errors, name)
