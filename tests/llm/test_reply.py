"""What libraries are told of an answer: needs none of them."""

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
    """The answer ends before whichever stop sequence comes first."""
    assert text_before(stop, "one, two, three") == text


def test_details(server: ScriptedServer) -> None:
    """Everything but the text: fields of the service, those we do not know, and how it came."""
    debug = {"total_time_ms": 7.5}
    server.default = answer(
        {**HIT, "debug": debug, "region": "eu"}, headers={"X-Request-ID": "r-7"}
    )
    with VectorcacheClient(KEY, server.url) as client:
        said = details(client.query("What is ML?", "gpt-4o", include_debug=True))
    assert said.pop("elapsed") > 0
    assert said.pop("debug")["total_time_ms"] == 7.5
    assert said == {
        "cache_hit": True,
        "similarity_score": 0.94,
        "cost_saved": 0.0023,
        "llm_provider": "cache",
        "region": "eu",
        "request_id": "r-7",
        "attempts": 1,
        "error": None,
    }
    json.dumps(said)


def test_a_fallbacks_answer(server: ScriptedServer) -> None:
    """Where a fallback answered, ``error`` says why."""
    server.default = answer({"detail": "boom"}, status=500)
    with VectorcacheClient(
        KEY,
        server.url,
        fallback=lambda prompt, model, context: "from the LLM",
        retry=RetryPolicy.without_waiting(),
    ) as client:
        said = details(client.query("What is ML?", "gpt-4o"))
    assert said["llm_provider"] == "fallback"
    assert "boom" in said["error"]
    assert said["attempts"] == 3
    json.dumps(said)
