"""Any frame in, the same rows out, in order, each with its own answer or error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from clients import KEY
from dataframe.frames import MAKE, columns_of, result_types, types_of
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import Received, ScriptedServer, answer

from vectorcache import VectorcacheClient
from vectorcache.dataframe import query_batch

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "prompt": st.none() | TEXT | st.sampled_from(["same", "bad", " "]),
            "tenant": st.none() | TEXT,
            "least": st.none() | st.floats(-0.5, 1.5) | st.just(float("nan")),
            "id": st.integers(-(2**63), 2**63 - 1),
        }
    ),
    max_size=12,
)


def answer_that_tells(request: Received) -> bytes:
    asked = request.json()
    if asked["prompt"] == "bad":
        return answer({"detail": "no"}, status=400)
    fields = (asked["prompt"], asked.get("context"), asked["similarity_threshold"])
    return answer(
        {
            "cache_hit": False,
            "response": repr(fields),
            "cost_saved": 0,
            "llm_provider": "openai",
        }
    )


@pytest.fixture(scope="module")
def asking() -> Iterator[VectorcacheClient]:
    with ScriptedServer() as server:
        server.respond = answer_that_tells
        with VectorcacheClient(KEY, server.url, model="m") as client:
            yield client


def expected(row: dict[str, Any]) -> str | None:
    prompt, context, least = row["prompt"], row["tenant"] or None, row["least"]
    threshold = 0.85 if least is None or least != least else least
    if prompt is None or not prompt.strip() or prompt == "bad" or not 0 <= threshold <= 1:
        return None
    return repr((prompt, context, threshold))


@given(ROWS)
@settings(max_examples=50)
@pytest.mark.parametrize("kind", MAKE)
def test_the_same_rows(asking: VectorcacheClient, kind: str, rows: list[dict[str, Any]]) -> None:
    """Whatever is in the rows, each stays, in its place, and has its own answer or an error."""
    # A row that is cut off gives each column its type.
    whole = [{"prompt": "a", "tenant": "b", "least": 0.5, "id": 0}, *rows]
    frame = MAKE[kind]({name: [row[name] for row in whole] for name in whole[0]})[1:]
    answered = query_batch(
        frame, asking, context_column="tenant", similarity_threshold_column="least", concurrency=4
    )
    assert types_of(answered) == {**types_of(frame), **result_types(kind)}
    columns = columns_of(answered)
    assert columns["id"] == [row["id"] for row in rows]
    assert columns["prompt"] == [row["prompt"] for row in rows]
    assert columns["response"] == [expected(row) for row in rows]
    assert [error is None for error in columns["error"]] == [
        expected(row) is not None for row in rows
    ]
