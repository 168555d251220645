"""Trio: the async client is at home there as it is in asyncio."""

from __future__ import annotations

import socket
import threading
import time

import anyio
import httpx
import pytest
import trio
from clients import KEY
from lifetimes.echo import EchoServer
from servers import answer, drip, hang_up

from vectorcache import (
    APIConnectionError,
    APITimeoutError,
    AsyncVectorcacheClient,
    ConfigurationError,
    RetryPolicy,
)

POLICY = RetryPolicy.without_waiting()


def test_queries(any_server: EchoServer) -> None:
    """Fifty tasks share three connections; each gets its own answer."""

    async def main() -> None:
        async with AsyncVectorcacheClient(KEY, any_server.url, max_connections=3) as client:

            async def ask(prompt: str) -> None:
                assert (await client.query(prompt, "m")).response == prompt

            async with trio.open_nursery() as tasks:
                for number in range(50):
                    tasks.start_soon(ask, f"Q{number}")

    trio.run(main)
    assert any_server.connections <= 3
    assert any_server.wait_until_idle(10)


def test_retries(server: EchoServer) -> None:
    """What may be repeated is repeated."""
    server.script = [answer(status=503), answer(status=429)]

    async def main() -> None:
        async with AsyncVectorcacheClient(KEY, server.url, retry=POLICY) as client:
            assert (await client.query("Q", "m")).meta.attempts == 3
            server.script = [hang_up]
            assert (await client.query("Q", "m")).meta.attempts == 1
            server.script = [hang_up, hang_up, hang_up]
            with pytest.raises(APIConnectionError):
                await client.query("Q", "m")

    trio.run(main)


def test_deadlines(any_server: EchoServer) -> None:
    """A deadline holds, in the queue and while an answer drips."""
    over = threading.Event()

    async def main() -> None:
        async with AsyncVectorcacheClient(KEY, any_server.url, max_connections=1) as client:
            any_server.script = [drip(over)]
            started = time.monotonic()
            with pytest.raises(APITimeoutError, match="waiting for the answer"):
                await client.query("Q", "m", deadline=0.4)
            assert time.monotonic() - started < 1.4

            asked = threading.Event()

            def hold(connection: socket.socket) -> None:
                asked.set()
                over.wait(10)
                connection.sendall(answer())

            any_server.script = [hold]
            async with trio.open_nursery() as tasks:
                tasks.start_soon(client.query, "holds it", "m")
                await anyio.to_thread.run_sync(asked.wait, 10)
                with pytest.raises(APITimeoutError, match="free connection"):
                    await client.query("waits", "m", timeout=httpx.Timeout(10, pool=0.05))
                over.set()
            assert (await client.query("after", "m")).response == "after"

    trio.run(main)


def test_trios_own_timeouts(server: EchoServer) -> None:
    """``move_on_after`` ends a call, and what comes after is answered."""
    over = threading.Event()

    async def main() -> None:
        async with AsyncVectorcacheClient(KEY, server.url, max_connections=1) as client:
            server.script = [drip(over)]
            with trio.move_on_after(0.2) as scope:
                await client.query("Q", "m")
            assert scope.cancelled_caught
            assert (await client.query("after", "m")).response == "after"
        over.set()

    trio.run(main)


def test_closing(server: EchoServer) -> None:
    """A closed client sends nothing; one client serves trio and asyncio in turn."""
    client = AsyncVectorcacheClient(KEY, server.url)

    async def ask(prompt: str) -> None:
        assert (await client.query(prompt, "m")).response == prompt

    async def close() -> None:
        await ask("once more")
        await client.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await client.query("Q", "m")

    trio.run(ask, "in trio")
    anyio.run(ask, "in asyncio")
    trio.run(close)
    assert server.wait_until_idle(10)
    assert len(server.requests) == 3
