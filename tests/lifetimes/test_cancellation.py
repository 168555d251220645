"""Cancellation: a query ends at every point where it waits, without a loss for other queries."""

from __future__ import annotations

import contextlib
import gc
import gzip
import itertools
import json
import socket
import threading
from collections.abc import AsyncGenerator, Iterator

import anyio
import pytest
from clients import KEY
from lifetimes.echo import EchoServer
from lifetimes.walk import WAYS, Interrupt
from servers import HIT, Step, answer, hang_up

from vectorcache import AsyncVectorcacheClient, RetryPolicy

OK = json.dumps(HIT).encode()

# A wait that is short, but a wait.
POLICY = RetryPolicy(transient_backoff=0.001, throttled_backoff=0.001, uncertain_delay=0.001)


def in_pieces(connection: socket.socket) -> None:
    """An answer that comes bit by bit."""
    whole, pause = answer(), threading.Event()
    for start in range(0, len(whole), 40):
        connection.sendall(whole[start : start + 40])
        pause.wait(0.002)


STATES: dict[str, tuple[bool, list[Step]]] = {
    "cold": (False, []),
    "warm": (True, []),
    "gzip": (False, [answer(raw=gzip.compress(OK), headers={"Content-Encoding": "gzip"})]),
    "in pieces": (True, [in_pieces]),
    "retried": (False, [answer(status=500), answer(status=429)]),
    "broken off": (False, [hang_up]),
    "connected anew": (True, [hang_up]),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Iterator[tuple[str, Interrupt]]:
    """How it is cancelled; and nothing may be left for the garbage collector to complain of."""
    yield WAYS[request.param]
    gc.collect()


async def still_usable(client: AsyncVectorcacheClient) -> None:
    """With its only connection lost, the client would keep this waiting."""
    assert (await client.query("after", "m", deadline=10)).response == "after"


@contextlib.asynccontextmanager
async def one_connection(url: str) -> AsyncGenerator[AsyncVectorcacheClient]:
    async with AsyncVectorcacheClient(KEY, url, max_connections=1, retry=POLICY) as client:
        yield client


@pytest.mark.parametrize("state", STATES)
def test_a_query_cancelled_anywhere(
    any_server: EchoServer, way: tuple[str, Interrupt], state: str
) -> None:
    """Wherever a query waits, cancelling it ends it as cancelled, and the next is answered."""
    backend, interrupted = way
    warm, script = STATES[state]

    async def main() -> int:
        for point in itertools.count(1):
            async with one_connection(any_server.url) as client:
                if warm:
                    await still_usable(client)
                any_server.script = list(script)
                if not await interrupted(client.query("Q", "m"), point):
                    return point
                any_server.script = []
                await still_usable(client)
        return 0

    assert anyio.run(main, backend=backend) > 1
    assert any_server.wait_until_idle(10)


def test_a_query_cancelled_in_the_queue(server: EchoServer, way: tuple[str, Interrupt]) -> None:
    """Also while it waits for a connection, or has just been given one."""
    backend, interrupted = way

    async def main() -> int:
        for point in itertools.count(1):
            async with one_connection(server.url) as client, anyio.create_task_group() as tasks:
                asked, go_on = threading.Event(), threading.Event()

                def hold(
                    connection: socket.socket,
                    asked: threading.Event = asked,
                    go_on: threading.Event = go_on,
                ) -> None:
                    asked.set()
                    go_on.wait(10)
                    connection.sendall(answer())

                server.script = [hold]
                tasks.start_soon(client.query, "holds it", "m")
                await anyio.to_thread.run_sync(asked.wait, 10)
                waits = client.query("waits", "m")
                tasks.start_soon(_later, go_on)
                reached = await interrupted(waits, point)
                go_on.set()
                await still_usable(client)
                if not reached:
                    return point
        return 0

    assert anyio.run(main, backend=backend) > 1
    assert server.wait_until_idle(10)


async def _later(event: threading.Event) -> None:
    await anyio.lowlevel.checkpoint()
    await anyio.lowlevel.checkpoint()
    event.set()


def test_an_equal_query_goes_on(server: EchoServer, way: tuple[str, Interrupt]) -> None:
    """Wherever one of two equal queries with one request is cancelled, the other is answered."""
    backend, interrupted = way

    async def main() -> int:
        for point in itertools.count(1):
            async with AsyncVectorcacheClient(KEY, server.url, coalesce=True) as client:
                found: list[str] = []
                reached = False

                async def ask(
                    client: AsyncVectorcacheClient = client, found: list[str] = found
                ) -> None:
                    found.append((await client.query("Q", "m", deadline=10)).response)

                async with anyio.create_task_group() as tasks:
                    # Each of them may be the one that sends the request.
                    tasks.start_soon(ask)
                    if point % 2:
                        await anyio.lowlevel.checkpoint()
                    reached = await interrupted(client.query("Q", "m"), (point + 1) // 2)
                assert found == ["Q"], point
                if not reached and point % 2 == 0:
                    return point
        return 0

    assert anyio.run(main, backend=backend) > 2
    assert server.wait_until_idle(10)


def test_closing_cancelled_anywhere(any_server: EchoServer, way: tuple[str, Interrupt]) -> None:
    """Cancelling ``aclose`` ends it as cancelled, and the connections are closed all the same."""
    backend, interrupted = way

    async def main() -> int:
        for point in itertools.count(1):
            client = AsyncVectorcacheClient(KEY, any_server.url)
            async with anyio.create_task_group() as tasks:
                for number in range(3):
                    tasks.start_soon(client.query, f"Q{number}", "m")
            reached = await interrupted(client.aclose(), point)
            assert client.closed
            if not reached:
                return point
        return 0

    assert anyio.run(main, backend=backend) > 1
    assert any_server.wait_until_idle(10)
