"""Answers of the local client: what is found, what is not, and what an answer says."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from clients import MakeClient
from local.client.prompts import RESET, RESET_AGAIN
from local.stand_ins import Angles, Recorder

from vectorcache import InvalidRequestError, VectorcacheResponse

FRANCE = "What is the capital of France?"


def test_as_it_comes(make_local: MakeClient) -> None:
    """Without any argument it works, on the model that comes with the extra."""
    client = make_local(embedder=None)
    assert not client.query("What is machine learning?", model="gpt-4o").cache_hit
    assert client.query("What is ML?", model="gpt-4o").similarity_score == 1.0


def test_hit_by_meaning(make_local: MakeClient, llm: Recorder) -> None:
    """The same question in other words is answered from the cache, with score and saving."""
    client = make_local(llm=llm)
    miss = client.query(RESET, "gpt-4o")
    hit = client.query(RESET_AGAIN, "gpt-4o")
    assert miss == VectorcacheResponse(False, f"answer 1 to {RESET}", None, 0.0, "openai")
    assert (hit.cache_hit, hit.response, hit.llm_provider) == (True, miss.response, "cache")
    assert hit.similarity_score is not None
    assert 0.85 <= hit.similarity_score < 1
    assert 0 < hit.cost_saved < 0.01
    assert llm.asked == [(RESET, "gpt-4o", None)]


def test_another_question_is_a_miss(make_local: MakeClient, llm: Recorder) -> None:
    """A question that means something else gets an answer of its own."""
    client = make_local(llm=llm)
    client.query(RESET, "gpt-4o")
    assert client.query(FRANCE, "gpt-4o").response == f"answer 2 to {FRANCE}"


def test_exact_repeat(make_local: MakeClient, llm: Recorder) -> None:
    """The same text again scores 1.0, and hits at any threshold."""
    client = make_local(llm=llm)
    client.query(RESET, "gpt-4o")
    hit = client.query(RESET, "gpt-4o", similarity_threshold=1)
    assert (hit.cache_hit, hit.similarity_score) == (True, 1.0)


@pytest.mark.parametrize("again", [RESET, RESET_AGAIN], ids=["exact", "by meaning"])
@pytest.mark.parametrize(
    ("model", "context", "hit"),
    [
        ("gpt-4o", "shop", True),
        ("gpt-4o-mini", "shop", False),
        ("gpt-4o", "bank", False),
        ("gpt-4o", None, False),
        ("gpt-4o", "", False),
    ],
)
def test_models_and_contexts_are_apart(
    make_local: MakeClient,
    llm: Recorder,
    again: str,
    model: str,
    context: str | None,
    hit: bool,
) -> None:
    """An answer is found only for the model and the context it was given for."""
    client = make_local(llm=llm)
    client.query(RESET, "gpt-4o", context="shop")
    assert client.query(again, model, context=context).cache_hit is hit


def test_threshold(make_local: MakeClient, llm: Recorder) -> None:
    """A hit is what scores at least the threshold, of the query or else of the client."""
    client = make_local(llm=llm, embedder=Angles(), similarity_threshold=0.4)
    client.query("0", "gpt-4o")
    assert client.query("60", "gpt-4o").similarity_score == 0.5
    assert not client.query("60", "gpt-4o", similarity_threshold=0.6).cache_hit


def test_result_is_a_mapping(make_local: MakeClient) -> None:
    """A result reads as the service's JSON object too, with debug only where asked for."""
    client = make_local(embedder=Angles())
    client.query("30", "gpt-4o")
    hit = client.query("30", "gpt-4o")
    assert dict(hit) == {
        "cache_hit": True,
        "response": hit.response,
        "similarity_score": 1.0,
        "cost_saved": 0.0,
        "llm_provider": "cache",
    }
    debugged = client.query("30", "gpt-4o", include_debug=True)
    assert json.loads(json.dumps(dict(debugged)))["debug"]["cache_entry_count"] == 1
    assert hit["response"] == hit.response


def test_debug(make_local: MakeClient, llm: Recorder) -> None:
    """Debug says where the time went and which entry answered; unasked there is none."""
    client = make_local(llm=llm)
    miss = client.query(RESET, "gpt-4o", include_debug=True).debug
    near = client.query(RESET_AGAIN, "gpt-4o", include_debug=True).debug
    exact = client.query(RESET, "gpt-4o", include_debug=True).debug
    assert miss is not None
    assert near is not None
    assert exact is not None
    assert miss.matched_cache_entry_id is None
    assert near.matched_cache_entry_id == exact.matched_cache_entry_id
    assert uuid.UUID(near.matched_cache_entry_id)
    for debug in (miss, near, exact):
        assert debug.cache_entry_count == 1
        assert debug.extra["refused_by_lexical_guard"] is False
        assert debug.search_time_ms is not None
        assert debug.embedding_time_ms is not None
        assert debug.total_time_ms is not None
        assert debug.total_time_ms >= debug.search_time_ms + debug.embedding_time_ms > 0
    assert client.query(RESET, "gpt-4o").debug is None
    assert miss.extra["nearest_prompt"] is None
    assert near.extra["nearest_prompt"] == RESET
    assert 0.85 <= near.extra["nearest_similarity_score"] < 1


def test_meta(make_local: MakeClient) -> None:
    """Every answer has a request id of its own, and no rate limit."""
    client = make_local(embedder=Angles())
    metas = [client.query("30", "gpt-4o").meta for _ in range(3)]
    assert len({meta.request_id for meta in metas}) == 3
    for meta in metas:
        assert re.fullmatch("[0-9a-f]{32}", meta.request_id or "")
        assert (meta.status_code, meta.attempts, meta.rate_limit) == (200, 1, None)
        assert meta.headers["content-type"] == "application/json"
        assert meta.elapsed > 0


def test_invalid_query(make_local: MakeClient, llm: Recorder) -> None:
    """A query that the hosted service would refuse is refused, before the LLM is asked."""
    client = make_local(llm=llm)
    with pytest.raises(InvalidRequestError, match="prompt"):
        client.query(" ", "gpt-4o")
    with pytest.raises(InvalidRequestError, match="similarity_threshold"):
        client.query(RESET, "gpt-4o", similarity_threshold=1.1)
    with pytest.raises(InvalidRequestError, match="model"):
        client.query(RESET)
    assert llm.asked == []


def test_longest_prompt(make_local: MakeClient, llm: Recorder) -> None:
    """32,000 characters of any script go in and come back as they were."""
    client = make_local(llm=llm)
    prompt = "é🙂\n" + "𝄞" * 31_997
    assert client.query(prompt, "gpt-4o").response == f"answer 1 to {prompt}"
    assert client.query(prompt, "gpt-4o").response == f"answer 1 to {prompt}"
