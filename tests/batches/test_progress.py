"""Who wants to know how far a batch is."""

from __future__ import annotations

import importlib.util

import pytest
from batches.service import WAIT
from clients import AnyClient
from servers import HIT, MISS, ScriptedServer, answer

from vectorcache import (
    BatchProgress,
    ConfigurationError,
)


def test_a_function(client: AnyClient) -> None:
    """It is told after each prompt: how many, of how many, hits, failures, money saved."""
    seen: list[BatchProgress] = []
    list(client.query_many(["a", "bad", "", "b"], model="m", progress=seen.append))
    assert [made.done for made in seen] == [1, 2, 3, 4]
    last = seen[-1]
    assert (last.total, last.hits, last.failed) == (4, 2, 2)
    assert last.cost_saved == pytest.approx(2 * HIT["cost_saved"])
    assert 0 < last.elapsed < WAIT


def test_misses_are_no_hits(client: AnyClient, server: ScriptedServer) -> None:
    """A miss counts as done, and saves nothing."""
    server.respond = lambda request: answer(MISS)
    seen: list[BatchProgress] = []
    list(client.query_many(iter(["a"]), model="m", progress=seen.append))
    assert (seen[-1].done, seen[-1].total, seen[-1].hits, seen[-1].failed) == (1, None, 0, 0)
    assert seen[-1].cost_saved == 0


def test_a_total_for_inputs_without_a_length(client: AnyClient) -> None:
    """``total`` says how many there are where the input cannot."""
    seen: list[BatchProgress] = []
    list(client.query_many(iter("ab"), model="m", progress=seen.append, total=2))
    assert {made.total for made in seen} == {2}


def test_a_function_that_fails(client: AnyClient) -> None:
    """Its error is the caller's own, and ends the batch; the client stays usable."""

    def progress(made: BatchProgress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(client.query_many(["a", "b"], model="m", progress=progress))
    assert client.query("Q", "m").response == "answer to Q"


@pytest.mark.parametrize("bar", ["tqdm", "rich"])
def test_a_bar(client: AnyClient, capsys: pytest.CaptureFixture[str], bar: str) -> None:
    """``progress="tqdm"`` or ``"rich"`` draws a bar on standard error, and finishes it."""
    assert len(list(client.query_many(["a", "bad", "b"], model="m", progress=bar))) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err
    assert "hits 2, failed 1" in err


@pytest.mark.parametrize("bar", ["tqdm", "rich"])
def test_no_bar_before_the_first(
    client: AnyClient, capsys: pytest.CaptureFixture[str], bar: str
) -> None:
    """A batch that is never iterated over draws nothing."""
    client.query_many(["a"], model="m", progress=bar).close()
    assert capsys.readouterr().err == ""


def test_a_library_that_is_missing(client: AnyClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar whose library is not installed is refused at once, with what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pip install tqdm"):
        client.query_many(["a"], model="m", progress="tqdm")
