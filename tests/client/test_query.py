"""The request that a query sends, and the response that it returns."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from clients import KEY, AnyClient, MakeClient
from servers import HIT, MISS, ScriptedServer, answer

from vectorcache import DebugInfo, RateLimit, VectorcacheResponse

DEBUG = {
    "embedding_time_ms": 12.5,
    "search_time_ms": 3,
    "total_time_ms": 16.1,
    "matched_cache_entry_id": "9b2f8f0e-6a3c-4c39-9d5c-3b8f1e2d4a5b",
    "cache_entry_count": 1200,
}


def test_sends_what_the_service_documents(client: AnyClient, server: ScriptedServer) -> None:
    """A query is one POST with the documented fields, and no other fields."""
    client.query("What is ML?", "gpt-4o")
    (request,) = server.requests
    assert request.line == "POST /v1/cache/query HTTP/1.1"
    assert request.json() == {
        "prompt": "What is ML?",
        "model": "gpt-4o",
        "similarity_threshold": 0.85,
        "include_debug": False,
    }
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("vectorcache-python/")


def test_takes_arguments_in_the_order_of_the_guide(
    client: AnyClient, server: ScriptedServer
) -> None:
    """The positional arguments have the order of the guide of the service."""
    client.query("Hé?", "claude-3-5-sonnet-20241022", 0.92, "legal", True)
    assert server.requests[0].json() == {
        "prompt": "Hé?",
        "model": "claude-3-5-sonnet-20241022",
        "similarity_threshold": 0.92,
        "context": "legal",
        "include_debug": True,
    }


@pytest.mark.parametrize("threshold", [0, 1, 0.0, 1.0])
def test_thresholds_at_the_limits_are_sent(
    client: AnyClient, server: ScriptedServer, threshold: float
) -> None:
    """A threshold of 0 is sent, and does not count as missing."""
    client.query("Q", "m", threshold)
    assert server.requests[0].json()["similarity_threshold"] == threshold


def test_defaults_of_the_client_hold_for_every_query(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    """Model, threshold and context may be set once, and replaced or removed for one query."""
    client = make_client(model="gpt-4o", similarity_threshold=0.9, context="support")
    client.query("Q")
    client.query("Q", "gemini-1.5-pro", 0.8, "")
    first, second = (request.json() for request in server.requests)
    assert (first["model"], first["similarity_threshold"], first["context"]) == (
        "gpt-4o",
        0.9,
        "support",
    )
    assert (second["model"], second["similarity_threshold"]) == ("gemini-1.5-pro", 0.8)
    assert "context" not in second


def test_headers_of_client_and_query_are_sent(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    """Headers of the query and the client are sent; those of the query have precedence."""
    client = make_client(default_headers={"X-Team": "a", "X-Trace": "1"})
    client.query("Q", "m", extra_headers={"x-trace": "2"})
    headers = server.requests[0].headers
    assert (headers["x-team"], headers["x-trace"]) == ("a", "2")


def test_a_hit(client: AnyClient) -> None:
    """A hit has the answer, the score and the saving."""
    result = client.query("What is ML?", "gpt-4o")
    assert result == VectorcacheResponse(True, HIT["response"], 0.94, 0.0023, "cache")
    assert result.debug is None


@pytest.mark.parametrize("absent", [True, False])
def test_a_miss(client: AnyClient, server: ScriptedServer, absent: bool) -> None:
    """A miss has no score, whether the service sends null or leaves it out; 0 is a float."""
    body = {key: value for key, value in MISS.items() if key != "similarity_score" or not absent}
    server.script = [answer(body)]
    result = client.query("What is ML?", "gpt-4o")
    assert (result.cache_hit, result.similarity_score, result.llm_provider) == (
        False,
        None,
        "openai",
    )
    assert result.cost_saved == 0.0
    assert isinstance(result.cost_saved, float)


def test_debug_information(client: AnyClient, server: ScriptedServer) -> None:
    """Timings are numbers; unknown fields beside them are kept."""
    server.script = [answer({**HIT, "debug": {**DEBUG, "shard": "eu-1"}})]
    result = client.query("Q", "m", include_debug=True)
    assert result.debug == DebugInfo(
        12.5, 3.0, 16.1, "9b2f8f0e-6a3c-4c39-9d5c-3b8f1e2d4a5b", 1200, extra={"shard": "eu-1"}
    )
    assert result["debug"]["cache_entry_count"] == 1200


def test_fields_that_we_do_not_know_are_kept(client: AnyClient, server: ScriptedServer) -> None:
    """Fields the service adds later are reachable without a new version of this package."""
    server.script = [answer({**HIT, "cache_tier": "hot", "tags": ["a"]})]
    result = client.query("Q", "m")
    assert result.extra == {"cache_tier": "hot", "tags": ["a"]}
    assert result["cache_tier"] == "hot"


def test_meta_tells_how_the_answer_came(client: AnyClient, server: ScriptedServer) -> None:
    """Status, headers in any case, request id, attempts, seconds and the rate limit."""
    headers = {
        "X-Request-Id": "8f2c",
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "42",
        "X-RateLimit-Reset": "1900000000",
    }
    server.script = [answer(status=500), answer(headers=headers)]
    meta = client.query("Q", "m").meta
    assert (meta.status_code, meta.request_id, meta.attempts) == (200, "8f2c", 2)
    assert meta.headers["x-ratelimit-LIMIT"] == "100"
    assert 0 < meta.elapsed < 30
    assert meta.rate_limit == RateLimit(100, 42, datetime.fromtimestamp(1900000000, UTC))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"X-RateLimit-Limit": "many"}, None),
        ({"X-RateLimit-Remaining": "0"}, RateLimit(None, 0, None)),
        ({"X-RateLimit-Limit": "9" * 40, "X-RateLimit-Reset": "9" * 19}, None),
    ],
)
def test_invalid_rate_limit_headers_are_left_out(
    client: AnyClient, server: ScriptedServer, headers: dict[str, str], expected: object
) -> None:
    """Invalid rate limit headers do not spoil an answer."""
    server.script = [answer(headers=headers)]
    assert client.query("Q", "m").meta.rate_limit == expected


class TestResponse:
    """A response can be used in these ways."""

    response = VectorcacheResponse(
        True, "A", 0.9, 0.01, "cache", DebugInfo(total_time_ms=1.0), extra={"new": [1]}
    )

    def test_reads_as_a_mapping(self) -> None:
        """``result['…']``, ``dict(result)``, ``in``, ``get`` and ``**result`` all work."""
        plain = VectorcacheResponse(True, "A", None, 0.0, "cache")
        assert dict(plain) == {
            "cache_hit": True,
            "response": "A",
            "similarity_score": None,
            "cost_saved": 0.0,
            "llm_provider": "cache",
        }
        assert plain["cache_hit"] is True
        assert plain.get("debug") is None
        assert "response" in plain
        assert len(self.response) == 7
        with pytest.raises(KeyError):
            plain["nothing"]

    def test_to_dict_is_json(self) -> None:
        """``to_dict()`` can be written as JSON, debug and unknown fields included."""
        value: dict[str, Any] = json.loads(json.dumps(self.response.to_dict()))
        assert value["debug"]["total_time_ms"] == 1.0
        assert value["new"] == [1]

    def test_pickles_and_copies(self) -> None:
        """A response survives pickle, copy and deepcopy, meta included."""
        for other in (
            pickle.loads(pickle.dumps(self.response)),
            copy.copy(self.response),
            copy.deepcopy(self.response),
        ):
            assert other == self.response
            assert other.meta == self.response.meta

    def test_is_frozen_and_hashable(self) -> None:
        """A response cannot be changed by accident, and may go into a set."""
        with pytest.raises(AttributeError):
            # Type checkers see this mistake as well.
            self.response.response = "B"  # type: ignore[misc]  # pyright: ignore
        assert {self.response, copy.copy(self.response)} == {self.response}

    def test_equality_is_about_the_answer(self, client: AnyClient) -> None:
        """The same answer at another time is equal; another answer is not."""
        one, two = client.query("Q", "m"), client.query("Q", "m")
        assert one == two
        assert one.meta != two.meta
        assert one != VectorcacheResponse(True, "other", 0.94, 0.0023, "cache")
