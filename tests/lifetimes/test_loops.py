"""Event loops: a client may be used from any number of them, in turn or at once."""

from __future__ import annotations

import asyncio
import gc
import os
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from clients import KEY
from lifetimes.echo import EchoServer

from vectorcache import AsyncVectorcacheClient, ConfigurationError

Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def on_asyncio(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(main())


def on_trio(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return anyio.run(main, backend="trio")


@pytest.fixture(params=[on_asyncio, on_trio], ids=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a loop from its beginning to its end."""
    chosen: Run = request.param
    return chosen


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files")
def test_one_loop_after_another(any_server: EchoServer, run: Run) -> None:
    """Each loop has its own connection, closed when the loop ends: no files pile up."""
    client = AsyncVectorcacheClient(KEY, any_server.url)

    async def ask() -> None:
        for number in range(3):
            assert (await client.query(f"Q{number}", "m")).response == f"Q{number}"

    run(ask)
    assert any_server.wait_until_idle(10)
    before = open_files()
    for _ in range(20):
        run(ask)
    assert any_server.wait_until_idle(10)
    assert open_files() <= before
    assert any_server.connections == 21
    run(client.aclose)


def test_two_loops_in_turn(any_server: EchoServer) -> None:
    """Two loops at once keep a connection each, and each keeps its limit."""
    client = AsyncVectorcacheClient(KEY, any_server.url, max_connections=1)

    async def ask(prompt: str) -> None:
        assert (await client.query(prompt, "m")).response == prompt

    with start_blocking_portal() as one, start_blocking_portal() as other:
        for number in range(5):
            one.call(ask, f"one {number}")
            other.call(ask, f"other {number}")
        one.call(client.aclose)
        # The other loop closes what is its own when it comes to it.
        assert any_server.wait_until_idle(10)
    assert any_server.connections == 2


def test_many_loops_at_once(server: EchoServer) -> None:
    """Loops in ten threads share a client."""
    client = AsyncVectorcacheClient(KEY, server.url)

    async def ask(prompt: str) -> None:
        assert (await client.query(prompt, "m")).response == prompt

    def loop(thread: int) -> None:
        async def main() -> None:
            await asyncio.gather(*(ask(f"{thread}, {number}") for number in range(10)))

        for _ in range(3):
            asyncio.run(main())

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(loop, range(10)))
    assert server.wait_until_idle(10)
    asyncio.run(client.aclose())


def test_a_loop_that_ends_without_ado(server: EchoServer) -> None:
    """A loop that was closed by itself left its sockets, as asyncio says; the next is served."""
    client = AsyncVectorcacheClient(KEY, server.url)

    async def ask() -> None:
        assert (await client.query("Q", "m")).response == "Q"

    with pytest.warns(ResourceWarning, match="unclosed"):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(ask())
        loop.close()
        asyncio.run(ask())
        gc.collect()
    assert server.wait_until_idle(10)
    asyncio.run(client.aclose())


def test_a_client_that_was_not_closed(any_server: EchoServer, run: Run) -> None:
    """It warns once, naming itself and not its key; its connections end with their loop."""
    left = [AsyncVectorcacheClient(KEY, any_server.url)]

    async def ask() -> None:
        await left[0].query("Q", "m")

    run(ask)
    assert any_server.wait_until_idle(10)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        left.clear()
        gc.collect()
    (one,) = told
    assert one.category is ResourceWarning
    assert str(one.message).startswith(f"AsyncVectorcacheClient {any_server.url} was not closed")
    assert KEY not in str(one.message)


def test_a_client_forgotten_while_its_loop_runs(any_server: EchoServer) -> None:
    """It warns once, and the loop closes its connections."""

    async def main() -> None:
        client = AsyncVectorcacheClient(KEY, any_server.url)
        await client.query("Q", "m")
        with pytest.warns(ResourceWarning, match="was not closed") as told:
            del client
            gc.collect()
        assert len(told) == 1
        assert await asyncio.to_thread(any_server.wait_until_idle, 10)

    asyncio.run(main())


def test_an_anyio_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """The async client is not made with an anyio whose time limits come out as cancellations."""
    monkeypatch.delattr("anyio.from_thread.check_cancelled")
    with pytest.raises(ConfigurationError, match="anyio is older than"):
        AsyncVectorcacheClient(KEY)
