"""The text and metadata that libraries receive; these tests need none of the libraries."""

from __future__ import annotations

import json

import pytest
from clients import KEY
from servers import HIT, ScriptedServer, answer

from vectorcache import RetryPolicy, VectorcacheClient
from vectorcache.integrations._reply import details, text_before


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        ((), "one, two, three"),
        (("four",), "one, two, three"),
        (("two",), "one, "),
        (("three", "two"), "one, "),
        (("one",), ""),
    ],
)
def test_text_before(stop: tuple[str, ...], text: str) -> None:
    """The answer ends before the stop sequence that occurs first."""
    assert text_before(stop, "one, two, three") == text


def test_details(server: ScriptedServer) -> None:
    """The metadata have every field of the answer except the text, and the facts of the request."""
    debug = {"total_time_ms": 7.5}
    server.default = answer(
        {**HIT, "debug": debug, "region": "eu"}, headers={"X-Request-ID": "r-7"}
    )
    with VectorcacheClient(KEY, server.url) as client:
        found = details(client.query("What is ML?", "gpt-4o", include_debug=True))
    assert found.pop("elapsed") > 0
    assert found.pop("debug")["total_time_ms"] == 7.5
    assert found == {
        "cache_hit": True,
        "similarity_score": 0.94,
        "cost_saved": 0.0023,
        "llm_provider": "cache",
        "region": "eu",
        "request_id": "r-7",
        "attempts": 1,
        "error": None,
    }
    json.dumps(found)


def test_a_fallbacks_answer(server: ScriptedServer) -> None:
    """If a fallback answered, ``error`` says why."""
    server.default = answer({"detail": "boom"}, status=500)
    with VectorcacheClient(
        KEY,
        server.url,
        fallback=lambda prompt, model, context: "from the LLM",
        retry=RetryPolicy.without_waiting(),
    ) as client:
        found = details(client.query("What is ML?", "gpt-4o"))
    assert found["llm_provider"] == "fallback"
    assert "boom" in found["error"]
    assert found["attempts"] == 3
    json.dumps(found)
