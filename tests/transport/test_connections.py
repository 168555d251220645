"""Connections: how many there are, who gets one next, and what closes them."""

from __future__ import annotations

import gc
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest
from clients import KEY, AnyClient, MakeClient
from servers import ScriptedServer, answer

from vectorcache import (
    APITimeoutError,
    AsyncVectorcacheClient,
    ConfigurationError,
    VectorcacheClient,
)


class Gate:
    """A step of the server's script that answers once the test lets it."""

    def __init__(self, callers: int) -> None:
        self.reached = threading.Barrier(callers + 1)
        self.open = threading.Event()

    def __call__(self, connection: socket.socket) -> None:
        self.reached.wait(10)
        self.open.wait(10)
        connection.sendall(answer(headers={"Connection": "close"}))


def test_connections_are_used_again(client: AnyClient, server: ScriptedServer) -> None:
    """One caller after another needs one connection."""
    for _ in range(5):
        client.query("Q", "m")
    assert (server.connections, len(server.requests)) == (1, 5)


def test_error_answers_do_not_cost_the_connection(
    client: AnyClient, server: ScriptedServer
) -> None:
    """An error status leaves its connection fit for the next query."""
    server.script = [answer({"detail": "boom"}, status=500)] * 2
    client.query("Q", "m")
    assert (server.connections, len(server.requests)) == (1, 3)


def test_no_more_connections_than_allowed(make_client: MakeClient, server: ScriptedServer) -> None:
    """50 threads share 3 connections, and all are answered."""
    client = make_client(max_connections=3)
    with ThreadPoolExecutor(50) as threads:
        results = list(threads.map(lambda n: client.query(f"Q{n}", "m"), range(200)))
    assert len(results) == 200
    assert server.connections <= 3


def test_waiting_for_a_connection_has_an_end(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    """A call that gets no connection in time says that nothing was sent, and names the limit."""
    gate = Gate(1)
    server.script = [gate]
    client = make_client(max_connections=1)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(client.query, "first", "m")
        gate.reached.wait(10)
        with pytest.raises(
            APITimeoutError, match=r"free connection \(max_connections=1\)"
        ) as caught:
            client.query("second", "m", deadline=0.05)
        assert caught.value.attempts == 0
        with pytest.raises(APITimeoutError, match="free connection"):
            client.query("third", "m", timeout=httpx.Timeout(10, pool=0.05))
        gate.open.set()
        first.result(10)
    client.query("fourth", "m")
    assert [request.json()["prompt"] for request in server.requests] == ["first", "fourth"]


def test_cancelled_callers_leave_the_pool_usable(server: ScriptedServer) -> None:
    """Cancelling calls, while they wait or later, costs no other call a connection."""
    gate = Gate(2)

    async def main() -> None:
        async with AsyncVectorcacheClient(KEY, server.url, max_connections=2) as client:
            server.script = [gate, gate]
            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(client.query, f"Q{number}", "m")
                await anyio.to_thread.run_sync(gate.reached.wait, 10)
                tasks.cancel_scope.cancel()
            gate.open.set()
            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(client.query, f"after {number}", "m")

    anyio.run(main)
    prompts = [request.json()["prompt"] for request in server.requests]
    assert sorted(p for p in prompts if p.startswith("after")) == sorted(
        f"after {number}" for number in range(20)
    )


class TestClosing:
    """The end of a client."""

    def test_a_closed_client_sends_nothing(self, client: AnyClient, server: ScriptedServer) -> None:
        """Use after close is refused before anything is sent; closing twice is fine."""
        client.query("Q", "m")
        client.close()
        client.close()
        assert client.closed
        with pytest.raises(ConfigurationError, match="closed"):
            client.query("Q", "m")
        assert len(server.requests) == 1

    def test_closing_closes_the_sockets(self, client: AnyClient, server: ScriptedServer) -> None:
        """After close() the server sees its connections end."""
        client.query("Q", "m")
        client.close()
        assert server.wait_until_idle(10)

    def test_closing_lets_a_call_finish(
        self, make_client: MakeClient, server: ScriptedServer
    ) -> None:
        """A call in progress when its client is closed still gets its answer."""
        gate = Gate(1)
        server.script = [gate]
        client = make_client()
        with ThreadPoolExecutor(1) as threads:
            call = threads.submit(client.query, "Q", "m")
            gate.reached.wait(10)
            client.close()
            gate.open.set()
            assert call.result(10).cache_hit
        assert server.wait_until_idle(10)

    def test_a_client_left_open_warns(self, server: ScriptedServer) -> None:
        """A client that was used and never closed is a ResourceWarning; an unused one is not."""
        client = VectorcacheClient(KEY, server.url)
        client.query("Q", "m")
        with pytest.warns(ResourceWarning, match="was not closed"):
            del client
            gc.collect()
        assert server.wait_until_idle(10)
        VectorcacheClient(KEY, server.url)
        gc.collect()
