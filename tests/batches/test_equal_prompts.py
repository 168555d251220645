"""Equal prompts that are in progress at the same time are sent once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from batches.service import Holding
from clients import AnyClient
from servers import ScriptedServer

from vectorcache import (
    BadRequestError,
)


def test_sent_once(client: AnyClient, server: ScriptedServer, held: Callable[..., Holding]) -> None:
    """Ten equal prompts cost one request, and each gets the answer."""
    holding = held("same")
    pulled = []

    def prompts() -> Iterator[Any]:
        for n in range(10):
            pulled.append(n)
            if n == 9:
                holding.released.set()
            yield {"prompt": "same", "id": n}

    results = list(client.query_many(prompts(), model="m"))
    assert [item.id for item in results] == list(range(10))
    assert {item.unwrap().response for item in results} == {"answer to same"}
    assert len(server.requests) == 1
    assert client.stats.calls == 1


def test_they_fail_together(client: AnyClient, held: Callable[..., Holding]) -> None:
    """An error is the error of all that asked the same."""
    holding = held("bad")

    def prompts() -> Iterator[str]:
        yield "bad"
        holding.released.set()
        yield "bad"

    results = list(client.query_many(prompts(), model="m"))
    assert [type(item.error) for item in results] == [BadRequestError] * 2


def test_other_settings_make_them_different(client: AnyClient, server: ScriptedServer) -> None:
    """The same prompt for another model or context is another question."""
    same = [{"prompt": "same", "model": m, "context": c} for m in "ab" for c in ("x", "y")]
    assert len(list(client.query_many(same))) == 4
    assert len(server.requests) == 4
