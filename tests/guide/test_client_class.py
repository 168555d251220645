"""The client class of the guide can be replaced by an import of this package."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clients import KEY
from guide.exchange import LoadApplication
from servers import HIT, MISS, ScriptedServer, answer

from vectorcache import VectorcacheClient, VectorcacheError, VectorcacheResponse


def test_usage_prints_a_hit(
    load: LoadApplication, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guide's first program prints the stored answer, its score and what it saved."""
    module = load("guide_client")
    assert capsys.readouterr().out.splitlines() == [
        "Response: Machine learning is ...",
        "Cache hit: True",
        "Similarity: 0.94",
        "Saved: $0.0023",
    ]
    assert module.client.closed
    (request,) = server.requests
    assert request.line == "POST /v1/cache/query HTTP/1.1"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.json() == {
        "prompt": "What is machine learning?",
        "model": "gpt-4o",
        "similarity_threshold": 0.85,
        "include_debug": False,
    }


def test_usage_prints_a_miss(
    load: LoadApplication, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a miss the guide's first program prints the answer, and no score or saving."""
    server.default = answer(MISS)
    load("guide_client")
    assert capsys.readouterr().out.splitlines() == [
        "Response: Machine learning is ...",
        "Cache hit: False",
    ]


def test_key_by_position(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """``VectorcacheClient(api_key)`` uses that key, whatever the environment holds."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", "vc_" + 32 * "f")
    monkeypatch.setenv("VECTORCACHE_BASE_URL", server.url)
    with VectorcacheClient(KEY) as client:
        client.query(prompt="What is AI?", model="gpt-4o")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_key_and_address_by_position(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``VectorcacheClient(api_key, base_url)`` uses that URL, whatever the environment holds."""
    monkeypatch.setenv("VECTORCACHE_BASE_URL", "https://elsewhere.invalid")
    with VectorcacheClient(KEY, server.url) as client:
        assert client.query(prompt="What is AI?", model="gpt-4o").cache_hit
    assert len(server.requests) == 1


def test_client_without_with(server: ScriptedServer) -> None:
    """``close()`` may be called directly, as in the guide, and more than once."""
    client = VectorcacheClient(KEY, server.url)
    client.query("What is AI?", "gpt-4o")
    client.close()
    client.close()
    assert client.closed


@pytest.mark.parametrize("body", [HIT, MISS, {**HIT, "later": [1]}], ids=["hit", "miss", "more"])
def test_result_reads_as_mapping(server: ScriptedServer, body: dict[str, Any]) -> None:
    """``result['…']``, ``dict(result)`` and JSON give the fields just as the service sent them."""
    server.default = answer(body)
    with VectorcacheClient(KEY, server.url) as client:
        result = client.query("What is ML?", "gpt-4o")
    assert result["cache_hit"] is body["cache_hit"]
    assert result["response"] == body["response"]
    assert result.get("similarity_score") == body["similarity_score"]
    assert result.get("no such field") is None
    assert dict(result) == body
    assert {**result} == body
    assert json.loads(json.dumps(result.to_dict())) == body


def test_missing_field_of_result(server: ScriptedServer) -> None:
    """``result['…']`` raises KeyError for an unknown field, as a dict does."""
    with VectorcacheClient(KEY, server.url) as client:
        result = client.query("What is ML?", "gpt-4o")
    with pytest.raises(KeyError, match="no such field"):
        result["no such field"]


def test_a_response_made_by_a_test() -> None:
    """A ``VectorcacheResponse`` can be made from the fields of the class in the guide."""
    made = VectorcacheResponse(
        cache_hit=True,
        response="Machine learning is ...",
        similarity_score=0.94,
        cost_saved=0.0023,
        llm_provider="cache",
    )
    assert dict(made) == HIT


@pytest.mark.parametrize(
    ("status", "body", "headers", "words", "retry_after"),
    [
        (401, {"detail": "Invalid API key"}, {}, "Invalid API key", None),
        (429, {"detail": "Slow down."}, {"Retry-After": "27"}, "Slow down.", 27),
        (503, {"detail": "Down for a while"}, {"Retry-After": "5"}, "Down for a while", 5),
        (
            401,
            {"error": "invalid_api_key", "message": "The API key was revoked"},
            {},
            "The API key was revoked",
            None,
        ),
        (
            429,
            {"error": "rate_limit_exceeded", "message": "Slow down.", "retry_after": 60},
            {},
            "Slow down.",
            60,
        ),
        (
            503,
            {
                "error": "service_unavailable",
                "message": "Down for a while",
                "retry_after": 30,
                "fallback": "Call the LLM directly",
            },
            {},
            "Down for a while",
            30,
        ),
    ],
)
def test_error_says_what_the_service_said(
    server: ScriptedServer,
    status: int,
    body: dict[str, Any],
    headers: dict[str, str],
    words: str,
    retry_after: float | None,
) -> None:
    """Both documented shapes of an error give ``status_code``, ``message`` and ``retry_after``."""
    server.default = answer(body, status=status, headers=headers)
    caught: VectorcacheError | None = None
    with VectorcacheClient(KEY, server.url, max_retries=0) as client:
        try:
            client.query("What is ML?", "gpt-4o")
        except VectorcacheError as error:
            caught = error
    assert caught is not None
    assert caught.status_code == status
    assert words in caught.message
    assert caught.message == str(caught)
    assert caught.retry_after == retry_after
    assert caught.body == body
