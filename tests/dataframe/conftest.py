from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from batches.service import own_answer
from clients import KEY
from dataframe.frames import MAKE, Columns
from servers import ScriptedServer

from vectorcache import AsyncVectorcacheClient, RetryPolicy, VectorcacheClient
from vectorcache.dataframe import aquery_batch, query_batch


@pytest.fixture(autouse=True)
def each_prompt_has_its_own_answer(server: ScriptedServer) -> None:
    server.respond = own_answer


@pytest.fixture(params=MAKE)
def kind(request: pytest.FixtureRequest) -> str:
    """The name of a kind of frame."""
    name: str = request.param
    return name


@pytest.fixture
def make(kind: str) -> Callable[[Columns], Any]:
    """Makes a frame of that kind."""
    return MAKE[kind]


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, server: ScriptedServer) -> Callable[..., Any]:
    """Calls ``query_batch``, or ``aquery_batch``, with a client of the server."""
    settings: dict[str, Any] = {
        "base_url": server.url,
        "model": "the client's",
        "retry": RetryPolicy.without_waiting(),
    }

    def ask(rows: Any, **options: Any) -> Any:
        with VectorcacheClient(KEY, **settings) as client:
            return query_batch(rows, client, **options)

    async def aask(rows: Any, **options: Any) -> Any:
        async with AsyncVectorcacheClient(KEY, **settings) as client:
            return await aquery_batch(rows, client, **options)

    if request.param == "sync":
        return ask
    return lambda rows, **options: asyncio.run(aask(rows, **options))
