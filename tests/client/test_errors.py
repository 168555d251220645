"""Which error a user gets, its message and its attributes."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest
from clients import AnyClient, MakeClient
from servers import ScriptedServer, answer

import vectorcache
from vectorcache import errors
from vectorcache.errors import (
    ConfigurationError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
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
    """The classes inherit from each other as the tree in the docstring of ``errors`` shows."""
    drawn = drawn_tree()
    assert drawn.keys() == set(errors.__all__)
    for name, ancestors in drawn.items():
        real = [
            c.__name__ for c in getattr(errors, name).__mro__ if issubclass(c, VectorcacheError)
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
    """Code that catches ValueError or TimeoutError catches the matching errors of this package."""
    assert issubclass(error, builtin)


@pytest.mark.parametrize("kind", [VectorcacheError, *ALL_ERRORS])
def test_errors_pickle_and_copy(kind: type[VectorcacheError]) -> None:
    """Every error keeps all its attributes when it is pickled or copied."""
    error = kind(
        "what happened",
        status_code=429,
        retry_after=1.5,
        request_id="8f2c",
        body={"detail": ["x"]},
        headers={"retry-after": "2"},
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
    """Every error has all attributes; those without a value have their defaults."""
    facts: dict[str, Any] = {
        "status_code": 429,
        "retry_after": 1.5,
        "request_id": "8f2c",
        "body": ["x"],
        "headers": {"retry-after": "2"},
        "attempts": 3,
    }
    quota: dict[str, Any] = (
        {"current_usage": 10, "monthly_limit": 20} if kind is QuotaExceededError else {}
    )
    error = kind("what happened", **facts, **quota)
    assert vars(error) == {"message": "what happened", **facts, **quota}
    assert error.args == ("what happened",)
    nothing: dict[str, Any] = {**dict.fromkeys(facts), **dict.fromkeys(quota)}
    nothing |= {"headers": {}, "attempts": 0}
    assert vars(kind("why")) == {"message": "why", **nothing}


def test_a_message_is_complete(make_client: MakeClient, server: ScriptedServer) -> None:
    """A message has the status, the text of the service, the request, the attempts and the wait."""
    limited = {"error": "rate_limited", "message": "Rate limit exceeded.", "retry_after": 27}
    server.script = [
        answer({"detail": "boom"}, status=500),
        answer(limited, status=429, headers={"X-Request-Id": "8f2c"}),
    ]
    with pytest.raises(RateLimitError) as caught:
        make_client(deadline=20).query("Q", "m")
    assert re.fullmatch(
        r'429 rate limit exceeded: "Rate limit exceeded\." \(request 8f2c, 2 attempts in '
        r"\S+ (ms|s), try again in 27 s, .*deadline of 20 s.*, before that: 500 internal server "
        r'error: "boom"\)',
        str(caught.value),
    )
    assert caught.value.message == str(caught.value)
    assert (caught.value.retry_after, caught.value.request_id) == (27, "8f2c")


def test_a_used_up_quota_has_its_own_error(client: AnyClient, server: ScriptedServer) -> None:
    """A used up monthly quota has an error of its own, with its figures, and is never retried."""
    body = {"detail": "Monthly quota exceeded", "current_usage": 10_000, "monthly_limit": 10_000}
    server.script = [answer(body, status=429, headers={"Retry-After": "1"})]
    with pytest.raises(QuotaExceededError, match=r"10,000 of 10,000") as caught:
        client.query("Q", "m")
    assert isinstance(caught.value, RateLimitError)
    assert (caught.value.current_usage, caught.value.monthly_limit) == (10_000, 10_000)
    assert len(server.requests) == 1


def test_every_error_is_exported() -> None:
    """All errors can be imported from the package itself."""
    for name in errors.__all__:
        assert getattr(vectorcache, name) is getattr(errors, name)
