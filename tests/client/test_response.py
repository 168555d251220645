"""How a response is made of an answer and its headers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from vectorcache import DebugInfo, RateLimit, ResponseMeta, VectorcacheResponse
from vectorcache import _generated as api
from vectorcache._response import rate_limit_from_headers, response_from_parsed

HIT: dict[str, Any] = {
    "cache_hit": True,
    "response": "answer",
    "similarity_score": 0.94,
    "cost_saved": 0.5,
    "llm_provider": "cache",
}
DEBUG = {
    "embedding_time_ms": 1,
    "search_time_ms": 2,
    "total_time_ms": 3.5,
    "matched_cache_entry_id": "entry",
    "cache_entry_count": 7,
}


def parsed(fields: dict[str, Any]) -> VectorcacheResponse:
    return response_from_parsed(api.QueryResponse.from_dict(fields), ResponseMeta(attempts=3))


def test_a_hit() -> None:
    """A response has every field by its name, unknown fields in ``extra``, and ``meta``."""
    found = parsed({**HIT, "later": [1]})
    assert found == VectorcacheResponse(True, "answer", 0.94, 0.5, "cache", extra={"later": [1]})
    assert found.debug is None
    assert found.meta.attempts == 3


@pytest.mark.parametrize("fields", [HIT, {**HIT, "debug": {**DEBUG, "later": 1}, "later": [1]}])
def test_a_response_as_a_mapping(fields: dict[str, Any]) -> None:
    """``to_dict`` and ``dict`` return the fields that the service sent, under their own names."""
    assert parsed(fields).to_dict() == dict(parsed(fields)) == fields


def test_whole_numbers() -> None:
    """JSON has one kind of number: a service may write 1 for 1.0."""
    found = parsed({**HIT, "similarity_score": 1, "cost_saved": 0})
    assert (found.similarity_score, found.cost_saved) == (1.0, 0.0)
    assert type(found.similarity_score) is type(found.cost_saved) is float


def test_a_miss() -> None:
    """The score is None, whether the service sends null or leaves it out."""
    without = {name: value for name, value in HIT.items() if name != "similarity_score"}
    for fields in ({**HIT, "similarity_score": None}, without):
        assert parsed(fields).similarity_score is None


def test_debug() -> None:
    """Each figure has its name; a missing one is None, and unknown fields are in ``extra``."""
    assert parsed({**HIT, "debug": {**DEBUG, "later": 1}}).debug == DebugInfo(
        1.0, 2.0, 3.5, "entry", 7, extra={"later": 1}
    )
    assert parsed({**HIT, "debug": {}}).debug == DebugInfo()
    missed = parsed({**HIT, "debug": {**DEBUG, "matched_cache_entry_id": None}}).debug
    assert missed is not None
    assert missed.matched_cache_entry_id is None
    assert type(missed.embedding_time_ms) is float


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        ({}, None),
        ({"x-ratelimit-limit": "100"}, RateLimit(100)),
        ({"x-ratelimit-remaining": "0"}, RateLimit(None, 0)),
        (
            {
                "X-RateLimit-Limit": "100",
                "X-RateLimit-Remaining": "7",
                "X-RateLimit-Reset": "1767225600",
            },
            RateLimit(100, 7, datetime(2026, 1, 1, tzinfo=UTC)),
        ),
        ({"x-ratelimit-limit": 18 * "9"}, RateLimit(int(18 * "9"))),
        ({"x-ratelimit-limit": 19 * "9"}, None),
        ({"x-ratelimit-limit": "-1"}, None),
        ({"x-ratelimit-limit": "1.5"}, None),
        ({"x-ratelimit-limit": ""}, None),
        ({"x-ratelimit-limit": "many", "x-ratelimit-remaining": "٣"}, None),
    ],
)
def test_the_rate_limit(headers: dict[str, str], limit: RateLimit | None) -> None:
    """Valid rate limit headers are read; a missing or invalid one is None."""
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert rate_limit_from_headers(httpx.Headers(encoded)) == limit
