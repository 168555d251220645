"""Inputs that are not what they were taken for, and rows of tables as prompts."""

from __future__ import annotations

import csv
import io
import logging
from typing import Any

import pytest
from clients import AnyClient
from servers import ScriptedServer

from vectorcache import InvalidRequestError

TABLE = """\
ticket,prompt,context,comment
11,What is a monad?,haskell,often asked
12,What is a tort?,,
"""


def table(text: str = TABLE) -> csv.DictReader[str]:
    return csv.DictReader(io.StringIO(text))


@pytest.mark.parametrize("errors", ["return", "raise"])
def test_a_table_with_a_column_more(client: AnyClient, server: ScriptedServer, errors: str) -> None:
    """Its first row is refused for the whole batch, with the columns and the keyword."""
    rows = table()
    results = client.query_many(rows, model="m", errors=errors)
    with pytest.raises(InvalidRequestError) as caught:
        next(results)
    assert "'ticket', 'comment'" in str(caught.value)
    assert "prompt_column='prompt'" in str(caught.value)
    assert len(list(rows)) == 1
    assert server.requests == []


def test_a_table_without_a_column_prompt(client: AnyClient, server: ScriptedServer) -> None:
    """The advice on ``prompt_column`` names a column that the table has."""
    results = client.query_many(table("ticket,question\n1,What is ML?\n"), model="m")
    with pytest.raises(InvalidRequestError, match="prompt_column='question'"):
        next(results)
    assert server.requests == []


@pytest.mark.parametrize("first", [7, None, b"a", ["a"], {"id": 7}, {"question": "a"}])
def test_what_is_not_a_prompt_comes_first(
    client: AnyClient, server: ScriptedServer, first: object
) -> None:
    """An input that begins with something else than a prompt is refused at once."""
    with pytest.raises(InvalidRequestError, match="prompt of the batch"):
        next(client.query_many([first, "a"], model="m"))
    assert server.requests == []


def test_no_model_at_all(client: AnyClient, server: ScriptedServer) -> None:
    """Where neither the client nor the batch names a model, the first string says so."""
    with pytest.raises(InvalidRequestError, match="model"):
        next(client.query_many(["a", "b"]))
    assert server.requests == []


def test_each_prompt_with_a_model_of_its_own(client: AnyClient) -> None:
    """Prompts that name their models need no other; one without is refused by itself."""
    results = list(client.query_many([{"prompt": "a"}, {"prompt": "b", "model": "m"}]))
    assert isinstance(results[0].error, InvalidRequestError)
    assert results[1].unwrap().response == "answer to b"


@pytest.mark.parametrize(
    "options",
    [{"similarity_threshold": 2}, {"context": 3}, {"model": " "}, {"include_debug": "yes"}],
)
def test_options_are_refused_once(client: AnyClient, options: dict[str, Any]) -> None:
    """What is wrong with an option of the batch is said when it is called."""
    with pytest.raises(InvalidRequestError, match=next(iter(options))):
        client.query_many(["a"], **{"model": "m", **options})


@pytest.mark.parametrize("prompts", [40 * [""], 3 * [""]])
def test_no_prompt_can_be_sent(
    client: AnyClient, prompts: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The log says once, and early, when none of the prompts so far could be sent."""
    seen = []
    with caplog.at_level(logging.WARNING, "vectorcache"):
        for item in client.query_many(prompts, model="m", ordered=False, concurrency=4):
            assert isinstance(item.error, InvalidRequestError)
            seen.append(len(caplog.records))
    (record,) = caplog.records
    assert f"refused: {min(len(prompts), 16)}, the first with: prompt" in record.getMessage()
    assert (1 in seen[:17]) is (len(prompts) > 16)


def test_one_that_was_sent_is_enough(client: AnyClient, caplog: pytest.LogCaptureFixture) -> None:
    """Where a prompt could be sent, the errors of the others are theirs alone."""
    with caplog.at_level(logging.WARNING, "vectorcache"):
        assert len(list(client.query_many(["a", *(30 * [""])], model="m"))) == 31
    assert caplog.records == []


def test_rows_of_a_table(client: AnyClient, server: ScriptedServer) -> None:
    """``prompt_column`` lets other columns ride along; ``input`` gives back the whole row."""
    results = list(client.query_many(table(), model="m", context="law", prompt_column="prompt"))
    assert [item.unwrap().response for item in results] == [
        "answer to What is a monad?",
        "answer to What is a tort?",
    ]
    assert [item.input for item in results] == list(table())
    # An empty cell means that the row sets no value.
    assert {r.json()["prompt"]: r.json()["context"] for r in server.requests} == {
        "What is a monad?": "haskell",
        "What is a tort?": "law",
    }


def test_another_column(client: AnyClient, server: ScriptedServer) -> None:
    """The prompts may be in any column; one that is called prompt then rides along."""
    rows = [{"question": "a", "prompt": "not this", "id": "x", "n": 1}, "a string"]
    first, second = client.query_many(rows, model="m", prompt_column="question")
    assert (first.prompt, first.id, first.input) == ("a", "x", rows[0])
    assert first.unwrap().response == "answer to a"
    assert (second.prompt, second.input) == ("a string", "a string")
    assert sorted(request.json()["prompt"] for request in server.requests) == ["a", "a string"]


def test_a_column_that_is_not_there(client: AnyClient, server: ScriptedServer) -> None:
    """It is refused with the names of the columns that are there."""
    with pytest.raises(InvalidRequestError, match=r"'text'.* it has 'ticket', 'prompt', 'context'"):
        next(client.query_many(table(), model="m", prompt_column="text"))
    with pytest.raises(InvalidRequestError, match="prompt_column is of type int"):
        client.query_many(table(), model="m", prompt_column=1)
    assert server.requests == []


def test_input_is_what_was_passed(client: AnyClient) -> None:
    """Each result, an error too, has the very object that was passed for it."""
    prompts: list[Any] = ["a", {"prompt": "b", "id": 7}, "bad", 9, "a"]
    results = list(client.query_many(prompts, model="m"))
    assert [item.input for item in results] == prompts
    assert all(item.input is given for item, given in zip(results, prompts, strict=True))
