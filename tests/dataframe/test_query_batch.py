"""``query_batch``: a batch of rows in, the same rows with their answers out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from batches.service import answer_to
from clients import KEY
from dataframe.frames import Columns, columns_of, result_types, types_of
from servers import HIT, MISS, ScriptedServer, answer

from vectorcache import BatchProgress, ConfigurationError, InvalidRequestError, VectorcacheClient
from vectorcache.dataframe import RESULT_COLUMNS, query_batch

Make = Callable[[Columns], Any]
Ask = Callable[..., Any]


def sent(server: ScriptedServer) -> dict[str, dict[str, Any]]:
    return {request.json()["prompt"]: request.json() for request in server.requests}


def test_each_row_gets_its_answer(make: Make, ask: Ask) -> None:
    """The same kind of frame comes back: all rows and columns in their order, and the answers."""
    rows = make(
        {"id": list(range(50)), "prompt": [f"prompt {n}" for n in range(50)], "x": [0] * 50}
    )
    answered = ask(rows)
    assert type(answered) is type(rows)
    columns = columns_of(answered)
    assert list(columns) == ["id", "prompt", "x", *RESULT_COLUMNS]
    assert columns_of(rows).items() <= columns.items()
    assert columns["response"] == [f"answer to prompt {n}" for n in range(50)]
    assert set(columns["cache_hit"]) == {True}
    assert set(columns["similarity_score"]) == {HIT["similarity_score"]}
    assert set(columns["cost_saved"]) == {HIT["cost_saved"]}
    assert set(columns["llm_provider"]) == {"cache"}
    assert set(columns["attempts"]) == {1}
    assert all(0 < elapsed < 20 for elapsed in columns["elapsed"])
    assert set(columns["error_type"]) == set(columns["error"]) == {None}


def test_a_miss(make: Make, ask: Ask, server: ScriptedServer) -> None:
    """A miss has no score, and names who answered."""
    server.respond = lambda request: answer(MISS)
    columns = columns_of(ask(make({"prompt": ["a"]})))
    assert columns["cache_hit"] == [False]
    assert columns["similarity_score"] == [None]
    assert columns["cost_saved"] == [0]
    assert columns["llm_provider"] == ["openai"]


def test_failed_rows_stay(make: Make, ask: Ask, server: ScriptedServer) -> None:
    """A row that fails is in its place and says why; one without a prompt is never sent."""
    rows = make({"id": [1, 2, 3, 4, 5], "prompt": ["a", "bad", None, " ", "b"]})
    columns = columns_of(ask(rows))
    assert columns["id"] == [1, 2, 3, 4, 5]
    assert columns["response"] == ["answer to a", None, None, None, "answer to b"]
    refused = "InvalidRequestError"
    assert columns["error_type"] == [None, "BadRequestError", refused, refused, None]
    assert '400 bad request: "no"' in columns["error"][1]
    assert "prompt is missing" in columns["error"][2]
    assert columns["attempts"] == [1, 1, 0, 0, 1]
    assert set(sent(server)) == {"a", "bad", "b"}


@pytest.mark.parametrize(
    "prompts", [[], ["a"], ["bad"], ["a", "bad"]], ids=["none", "good", "bad", "both"]
)
def test_types_are_stable(make: Make, kind: str, ask: Ask, prompts: list[str]) -> None:
    """The result columns have the same types whatever the rows come to, if there are any."""
    rows = make({"prompt": ["a", "bad", *prompts]})[2:]
    types = types_of(ask(rows))
    assert types == {**types_of(rows), **result_types(kind)}


def test_prompts_that_are_no_text(make: Make, ask: Ask, server: ScriptedServer) -> None:
    """Numbers where prompts are expected fail row by row."""
    columns = columns_of(ask(make({"prompt": [1, 2]})))
    assert columns["error_type"] == ["InvalidRequestError"] * 2
    assert server.requests == []


def test_half_a_character(make: Make, ask: Ask, server: ScriptedServer) -> None:
    """An answer with half of a surrogate pair, which no frame can hold, loses only that half."""
    server.respond = lambda request: answer(
        raw=answer_to("a", response="half \ud800, whole \U0001f600 and é").partition(b"\r\n\r\n")[2]
    )
    columns = columns_of(ask(make({"prompt": ["a", "b"]})))
    assert columns["response"] == ["half \ufffd, whole \U0001f600 and é"] * 2


class TestColumns:
    """Which column is what."""

    def test_settings_of_their_own(self, make: Make, ask: Ask, server: ScriptedServer) -> None:
        """Rows may have a model, a threshold and a context of their own; none takes the batch's."""
        rows = make(
            {
                "question": ["a", "b"],
                "llm": ["row's", None],
                "least": [0.5, None],
                "tenant": ["t", None],
            }
        )
        ask(
            rows,
            prompt_column="question",
            model_column="llm",
            similarity_threshold_column="least",
            context_column="tenant",
            model="batch's",
            similarity_threshold=0.7,
            context="c",
        )
        a, b = sent(server)["a"], sent(server)["b"]
        assert (a["model"], a["similarity_threshold"], a["context"]) == ("row's", 0.5, "t")
        assert (b["model"], b["similarity_threshold"], b["context"]) == ("batch's", 0.7, "c")

    def test_only_those_that_are_named(self, make: Make, ask: Ask, server: ScriptedServer) -> None:
        """A column that happens to be called "model" is not a setting until it is named as one."""
        ask(make({"prompt": ["a"], "model": ["row's"], "context": ["c"]}))
        assert sent(server)["a"]["model"] == "the client's"
        assert "context" not in sent(server)["a"]

    def test_an_invalid_setting(self, make: Make, ask: Ask, server: ScriptedServer) -> None:
        """A threshold out of range fails its own row."""
        rows = make({"prompt": ["a", "b"], "least": [1.5, 0.5]})
        columns = columns_of(ask(rows, similarity_threshold_column="least"))
        assert columns["error_type"] == ["InvalidRequestError", None]
        assert "similarity_threshold is 1.5" in columns["error"][0]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({}, "prompt_column is 'prompt', and rows have no such column: they have 'a', 'b'"),
            ({"prompt_column": 0}, "prompt_column is 0"),
            ({"prompt_column": None}, "prompt_column is None"),
            ({"prompt_column": "a", "context_column": "c"}, "context_column is 'c'"),
        ],
    )
    def test_one_that_is_not_there(
        self, make: Make, ask: Ask, server: ScriptedServer, options: Any, words: str
    ) -> None:
        """A name that no column has is refused before anything is sent."""
        with pytest.raises(InvalidRequestError, match=words):
            ask(make({"a": ["x"], "b": ["y"]}), **options)
        assert server.requests == []

    def test_one_of_a_results_name(self, make: Make, ask: Ask, server: ScriptedServer) -> None:
        """A column of a result's name is not written over, and not after the answers are paid."""
        with pytest.raises(InvalidRequestError, match="rows already have 'response', 'error'"):
            ask(make({"prompt": ["a"], "error": ["x"], "response": ["y"]}))
        assert server.requests == []


@pytest.mark.parametrize(
    "rows",
    [
        {"prompt": ["a"]},
        ["a"],
        "a",
        None,
        pd.Series(["a"]),
        pl.Series(["a"]),
        pl.LazyFrame({"prompt": ["a"]}),
        pa.array(["a"]),
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_what_is_not_a_frame(ask: Ask, server: ScriptedServer, rows: Any) -> None:
    """It is refused with what to pass instead."""
    with pytest.raises(InvalidRequestError, match="pass a pandas or polars DataFrame"):
        ask(rows)
    assert server.requests == []


def test_bad_options(make: Make, ask: Ask, server: ScriptedServer) -> None:
    """Invalid options, ``errors`` among them, are refused before anything is sent."""
    with pytest.raises(InvalidRequestError, match="concurrency"):
        ask(make({"prompt": ["a"]}), concurrency=0)
    # A row's error is never raised: the other rows' answers would be lost with it.
    with pytest.raises(TypeError, match="unknown options: errors"):
        ask(make({"prompt": ["a"]}), errors="raise")
    assert server.requests == []


def test_the_other_client() -> None:
    """A client that the function cannot use is refused with the name of the one that can."""
    with pytest.raises(InvalidRequestError, match=r"is of type str: .*use aquery_batch"):
        query_batch(pl.DataFrame({"prompt": ["a"]}), "client")  # type: ignore[arg-type]  # The point.


def test_options_of_query_many(make: Make, ask: Ask, server: ScriptedServer) -> None:
    """Its options reach ``query_many``: a bar or function for progress, limits, headers."""
    server.respond = lambda request: answer(status=500)
    seen: list[BatchProgress] = []
    columns = columns_of(
        ask(
            make({"prompt": ["a", "b"]}),
            progress=seen.append,
            max_retries=1,
            concurrency=1,
            timeout=20,
            deadline=20,
            extra_headers={"X-Job": "7"},
        )
    )
    assert columns["attempts"] == [2, 2]
    assert [(made.done, made.total) for made in seen] == [(1, 2), (2, 2)]
    assert {request.headers["x-job"] for request in server.requests} == {"7"}
    assert server.connections == 1


def test_a_closed_client(server: ScriptedServer) -> None:
    """What is wrong for all rows is raised."""
    client = VectorcacheClient(KEY, server.url)
    client.close()
    with pytest.raises(ConfigurationError, match="the client is closed"):
        query_batch(pl.DataFrame({"prompt": ["a"]}), client)


def test_the_embedded_service() -> None:
    """On real semantic caching a question in other words is a hit, in its own row."""
    rows = pl.DataFrame(
        {
            "prompt": [
                "How do I reset my password?",
                "What is the capital of France?",
                "How can I reset my password?",
            ]
        }
    )
    with VectorcacheClient.local(llm=lambda prompt, model, context: f"On: {prompt}") as client:
        columns = columns_of(query_batch(rows, client, model="gpt-4o", concurrency=1))
    assert columns["cache_hit"] == [False, False, True]
    assert columns["response"][2] == columns["response"][0] == "On: How do I reset my password?"
    assert columns["similarity_score"][2] > 0.85
