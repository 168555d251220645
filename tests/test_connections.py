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
from servers import HIT, ScriptedServer, answer, hang_up

from vectorcache import (
    APIConnectionError,
    APITimeoutError,
    AsyncVectorcacheClient,
    ConfigurationError,
    RetryPolicy,
    VectorcacheClient,
)
from vectorcache._queue import ConnectionQueue, Waiter


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


def test_an_idle_connection_that_was_closed(client: AnyClient, server: ScriptedServer) -> None:
    """A server that hangs up just as we write is asked again at once, not counted as an attempt."""
    client.query("Q", "m")
    server.script = [hang_up]
    result = client.query("Q", "m", max_retries=0)
    assert result.meta.attempts == 1
    assert server.connections == 2


def test_a_server_with_short_keep_alive(client: AnyClient, server: ScriptedServer) -> None:
    """300 calls to a server that closes after every third answer: none fails."""

    def last_answer(connection: socket.socket) -> None:
        connection.sendall(answer())

    server.script = [answer(), answer(), last_answer] * 100
    for _ in range(300):
        client.query("Q", "m", max_retries=0)
    assert len(server.requests) >= 300


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
    """Whoever gets no connection in time is told that it was ours, and that nothing was sent."""
    gate = Gate(1)
    server.script = [gate]
    client = make_client(max_connections=1)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(client.query, "first", "m")
        gate.reached.wait(10)
        with pytest.raises(APITimeoutError, match="free connection: all 1 were in use") as caught:
            client.query("second", "m", deadline=0.05)
        assert caught.value.attempts == 1
        with pytest.raises(APITimeoutError, match="free connection"):
            client.query("third", "m", timeout=httpx.Timeout(10, pool=0.05))
        gate.open.set()
        first.result(10)
    client.query("fourth", "m")
    assert [request.json()["prompt"] for request in server.requests] == ["first", "fourth"]


def test_a_thousand_threads_on_a_cold_client(server: ScriptedServer) -> None:
    """A client may be used for the first time by many threads at once."""
    with VectorcacheClient(KEY, server.url, max_connections=20) as client:
        start = threading.Barrier(1_000)

        def call(number: int) -> bool:
            start.wait(60)
            return client.query(f"Q{number}", "m").cache_hit

        with ThreadPoolExecutor(1_000) as threads:
            assert all(threads.map(call, range(1_000)))
    assert server.connections <= 20


def test_cancelled_callers_leave_the_pool_usable(server: ScriptedServer) -> None:
    """Cancelling those who wait, and those who are served, costs nobody else a connection."""
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


def test_a_client_used_from_a_second_loop(server: ScriptedServer) -> None:
    """asyncio.run() twice with one client works: each loop has connections of its own."""
    client = AsyncVectorcacheClient(KEY, server.url)

    async def call() -> None:
        assert (await client.query("Q", "m")).cache_hit

    async def call_and_close() -> None:
        await call()
        await client.aclose()

    # The first loop leaves its socket behind, as anything does that outlives its loop.
    with pytest.warns(ResourceWarning):
        anyio.run(call)
        anyio.run(call_and_close)
        gc.collect()


class TestQueue:
    """The queue itself, without a network."""

    def test_first_come_first_served(self) -> None:
        """Connections go to those who wait in the order they came."""
        queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
        holder, *waiters = (Waiter[str](threading.Event().set) for _ in range(4))
        assert queue.take(holder)
        assert [queue.take(waiter) for waiter in waiters] == [False, False, False]
        for one, following in zip([holder, *waiters], waiters, strict=False):
            assert following.connection is None
            queue.leave(one, 0.0)
            assert following.connection is not None

    def test_leaving_passes_on_what_was_just_given(self) -> None:
        """A caller that gives up in the moment its turn comes does not take it along."""
        queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
        holder, quitter, patient = (Waiter[str](threading.Event().set) for _ in range(3))
        for waiter in (holder, quitter, patient):
            queue.take(waiter)
        queue.leave(holder, 0.0)
        assert quitter.connection is not None
        queue.leave(quitter, 0.0)
        assert patient.connection is quitter.connection

    def test_the_last_used_is_used_first(self) -> None:
        """A light load stays on few connections, and those left idle are closed in time."""
        queue: ConnectionQueue[str] = ConnectionQueue(9, keepalive=30.0)
        first, second = (Waiter[str](threading.Event().set) for _ in range(2))
        for waiter, name in ((first, "first"), (second, "second")):
            queue.take(waiter)
            assert waiter.connection is not None
            waiter.connection.transport = name
        assert queue.leave(first, 0.0) is None
        assert queue.leave(second, 20.0) is None
        third = Waiter[str](threading.Event().set)
        queue.take(third)
        assert third.connection is second.connection
        assert queue.leave(third, 40.0) == "first"
        assert queue.close() == ["second"]


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
        """A call that is under way when its client is closed still gets its answer."""
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
        with pytest.warns(ResourceWarning, match="Vectorcache client was not closed"):
            del client
            gc.collect()
        assert server.wait_until_idle(10)
        VectorcacheClient(KEY, server.url)
        gc.collect()


class ClosableTransport(httpx.BaseTransport):
    """A transport of one's own that knows whether it was closed."""

    closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=HIT)

    def close(self) -> None:
        self.closed = True


class TestOwnHttpClient:
    """One's own httpx client instead of ours."""

    def test_it_is_used_and_left_open(self, server: ScriptedServer) -> None:
        """Queries go through it; closing our client leaves it to its owner."""
        with httpx.Client(headers={"X-Own": "1"}) as own:
            with VectorcacheClient(KEY, server.url, http_client=own) as client:
                assert client.query("Q", "m").cache_hit
            assert not own.is_closed
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"

    async def test_the_async_one_too(self, server: ScriptedServer) -> None:
        """The async client takes an httpx.AsyncClient."""
        async with httpx.AsyncClient() as own:
            async with AsyncVectorcacheClient(KEY, server.url, http_client=own) as client:
                assert (await client.query("Q", "m")).cache_hit
            assert not own.is_closed

    def test_its_credentials_do_not_replace_the_key(self, server: ScriptedServer) -> None:
        """Neither its own auth nor .netrc nor redirects get in the way of the key."""
        with (
            httpx.Client(auth=("user", "password"), follow_redirects=True) as own,
            VectorcacheClient(KEY, server.url, http_client=own) as client,
        ):
            client.query("Q", "m")
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"

    @pytest.mark.parametrize("error", [httpx.ReadError, httpx.ReadTimeout, httpx.WriteError])
    def test_a_transport_that_tells_nothing(self, error: type[httpx.TransportError]) -> None:
        """Where one's own transport does not say how far it got, a request is repeated once."""
        sent = []

        def fail(request: httpx.Request) -> httpx.Response:
            sent.append(request)
            raise error("lost")

        transport = httpx.MockTransport(fail)
        policy = RetryPolicy.without_waiting()
        with (
            VectorcacheClient(KEY, http_client=transport, retry=policy, max_retries=5) as client,
            pytest.raises(APIConnectionError),
        ):
            client.query("Q", "m")
        assert len(sent) == 2

    def test_errors_are_still_ours(self) -> None:
        """What its transport raises becomes an error of this package."""

        def refuse(request: httpx.Request) -> httpx.Response:
            raise RuntimeError("a hook of one's own")

        with (
            httpx.Client(transport=httpx.MockTransport(refuse)) as own,
            VectorcacheClient(KEY, "http://localhost", http_client=own) as client,
            pytest.raises(Exception, match="a hook of one's own") as caught,
        ):
            client.query("Q", "m")
        assert type(caught.value).__module__ == "vectorcache.errors"


class TestWithOptions:
    """Copies with other settings."""

    def test_a_copy_shares_the_connections(self, client: AnyClient, server: ScriptedServer) -> None:
        """The copy sends over the same connection, with its own settings."""
        client.query("Q", "m")
        copy = client.with_options(similarity_threshold=0.95, model="other")
        copy.query("Q")
        client.query("Q", "m")
        bodies = [request.json() for request in server.requests]
        assert [body["similarity_threshold"] for body in bodies] == [0.85, 0.95, 0.85]
        assert server.connections == 1
        copy.close()
        assert client.closed

    def test_a_copy_for_another_place_has_its_own(
        self, client: AnyClient, server: ScriptedServer
    ) -> None:
        """With another address or size, the copy opens and closes connections of its own."""
        copy = client.with_options(max_connections=1)
        copy.query("Q", "m")
        copy.close()
        client.query("Q", "m")
        assert server.connections == 2

    def test_a_copy_does_not_close_what_it_was_lent(self) -> None:
        """A copy with other connections leaves the transport of its original open."""
        transport = ClosableTransport()
        with VectorcacheClient(KEY, http_client=transport) as client:
            with client.with_options(max_connections=1) as copy:
                assert copy.query("Q", "m").cache_hit
            assert not transport.closed
        assert transport.closed

    def test_a_copy_keeps_the_key(self, client: AnyClient, server: ScriptedServer) -> None:
        """The key and all else not named stay as they were."""
        client.with_options(timeout=5).query("Q", "m")
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"

    def test_bad_options_are_refused(self, client: AnyClient) -> None:
        """A copy is checked as strictly as a new client."""
        with pytest.raises(ConfigurationError, match="max_retries"):
            client.with_options(max_retries=-1)
        with pytest.raises(TypeError, match="thresold"):
            client.with_options(thresold=0.9)  # type: ignore[call-arg]  # pyright: ignore
