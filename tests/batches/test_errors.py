"""Prompts that fail in a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from batches.service import Holding
from clients import AnyClient
from servers import ScriptedServer

from vectorcache import (
    BadRequestError,
    BatchProgress,
    InvalidRequestError,
)


def test_in_their_place(client: AnyClient, server: ScriptedServer) -> None:
    """By default a failed prompt yields its error where its answer would be."""
    prompts: list[Any] = ["a", "bad", "", 7, {"id": "x"}, {"prompt": "b", "modle": "m"}, "b"]
    results = list(client.query_many(prompts, model="m"))
    assert [type(item.error) for item in results] == [
        type(None),
        BadRequestError,
        *[InvalidRequestError] * 4,
        type(None),
    ]
    assert [item.index for item in results] == list(range(7))
    assert results[4].id == "x"
    assert "'modle'" in str(results[5].error)
    assert len(server.requests) == 3
    with pytest.raises(BadRequestError):
        results[1].unwrap()


@pytest.mark.parametrize("ordered", [True, False])
def test_raised_once_all_else_is_out(
    client: AnyClient, held: Callable[..., Holding], ordered: bool
) -> None:
    """``errors="raise"`` first yields what was finished, then raises, and says where."""
    holding = held("never")
    prompts = ["a", "b", "bad", "never"]
    results = client.query_many(prompts, model="m", errors="raise", ordered=ordered, concurrency=1)
    assert {next(results).index for _ in range(2)} == {0, 1}
    with pytest.raises(BadRequestError) as caught:
        next(results)
    assert caught.value.__notes__ == ["in a batch, at the prompt with index 2"]
    assert list(results) == []
    assert not holding.arrived["never"].is_set()


def test_later_prompts_that_were_finished_come_out_too(
    client: AnyClient, held: Callable[..., Holding]
) -> None:
    """Nothing that was paid for is lost to an error that comes before it in order."""
    holding = held("bad")
    seen: list[BatchProgress] = []

    def progress(made: BatchProgress) -> None:
        seen.append(made)
        if made.done == 3:
            holding.released.set()

    results = client.query_many(
        ["a", "bad", "b", "c"], model="m", errors="raise", progress=progress
    )
    assert [next(results).index for _ in range(3)] == [0, 2, 3]
    with pytest.raises(BadRequestError):
        next(results)


def test_earlier_prompts_are_waited_for(client: AnyClient, held: Callable[..., Holding]) -> None:
    """In order, an error waits for the prompts before it."""
    holding = held("slow")

    def progress(made: BatchProgress) -> None:
        if made.failed:
            holding.released.set()

    results = client.query_many(["slow", "bad"], model="m", errors="raise", progress=progress)
    assert next(results).unwrap().response == "answer to slow"
    with pytest.raises(BadRequestError):
        next(results)


def test_an_input_that_fails(client: AnyClient) -> None:
    """The input's own error comes out as it is, after all that was taken has been yielded."""

    def prompts() -> Iterator[str]:
        yield "a"
        yield "b"
        raise OSError("the file is gone")

    results = client.query_many(prompts(), model="m")
    assert [next(results).index, next(results).index] == [0, 1]
    with pytest.raises(OSError, match="the file is gone"):
        next(results)


def test_the_client_stays_usable(client: AnyClient) -> None:
    """After a batch that an error has ended, the next query is answered."""
    with pytest.raises(BadRequestError):
        list(client.query_many(["bad"], model="m", errors="raise"))
    assert client.query("Q", "m").response == "answer to Q"
