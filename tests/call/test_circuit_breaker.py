"""The circuit breaker: calls fail at once while nothing answers, and one probe looks again."""

from __future__ import annotations

import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest
from clients import KEY, AnyClient, MakeClient
from servers import ScriptedServer, answer

from vectorcache import (
    APIConnectionError,
    AsyncVectorcacheClient,
    CircuitBreaker,
    CircuitOpenError,
    ConfigurationError,
    InternalServerError,
    ServiceUnavailableError,
    VectorcacheError,
)


def fail(client: AnyClient, times: int = 1) -> list[VectorcacheError]:
    errors = []
    for _ in range(times):
        with pytest.raises(VectorcacheError) as caught:
            client.query("Q", "m")
        errors.append(caught.value)
    return errors


def wait_as_told(error: VectorcacheError) -> None:
    """Waits just as long as the error says is needed."""
    assert error.retry_after is not None
    threading.Event().wait(error.retry_after)


def test_calls_fail_at_once(make_client: MakeClient, server: ScriptedServer) -> None:
    """Once five attempts have failed, calls fail with nothing sent, and say when to come back."""
    server.default = answer({"detail": "out of order"}, status=500)
    client = make_client(circuit_breaker=CircuitBreaker(), max_retries=0)
    assert [type(error) for error in fail(client, 5)] == [InternalServerError] * 5
    (error,) = fail(client)
    assert type(error) is CircuitOpenError
    assert isinstance(error, APIConnectionError)
    assert len(server.requests) == 5
    assert error.attempts == 0
    assert error.retry_after is not None
    assert 50 < error.retry_after <= 60
    message = str(error)
    assert f"failed attempts in a row on 127.0.0.1:{server.port}: 5" in message
    assert "the last with 500" in message
    assert "out of order" not in message  # It may be about the prompt of another caller.
    assert "no request goes out" in message
    assert "try again in 60 s" in message
    assert "fallback=" in message
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.retry_after) == (CircuitOpenError, error.retry_after)


def test_it_opens_in_the_middle_of_a_call(make_client: MakeClient, server: ScriptedServer) -> None:
    """A call whose attempt opens the circuit ends there, with what it failed with."""
    server.default = answer(status=500)
    client = make_client(circuit_breaker=CircuitBreaker(failures=2), max_retries=5)
    (error,) = fail(client)
    assert type(error) is InternalServerError
    assert "the circuit is open for another 60 s" in str(error)
    assert len(server.requests) == error.attempts == 2


def test_those_who_wait_are_spared_too(make_client: MakeClient, server: ScriptedServer) -> None:
    """Calls that wait for a connection when the circuit opens fail at once when it is theirs."""
    server.default = answer(status=500)
    breaker = CircuitBreaker(failures=2)
    client = make_client(circuit_breaker=breaker, max_retries=0, max_connections=1)
    with ThreadPoolExecutor(10) as threads:
        errors = list(threads.map(lambda _: fail(client)[0], range(30)))
    # A thread gives its connection back before its failure counts, and another may be faster.
    assert 2 <= len(server.requests) < 10
    refused = sum(type(error) is CircuitOpenError for error in errors)
    assert refused + len(server.requests) == 30


def test_recovery(make_client: MakeClient, server: ScriptedServer) -> None:
    """After the pause one call probes with one attempt; when it is answered, all calls go out."""
    server.default = answer(status=503)
    client = make_client(circuit_breaker=CircuitBreaker(2, reset_after=0.5), max_retries=3)
    fail(client)
    assert len(server.requests) == 2
    wait_as_told(*fail(client))
    (failed_probe,) = fail(client)
    assert type(failed_probe) is ServiceUnavailableError
    assert len(server.requests) == 3
    (refused,) = fail(client)
    assert type(refused) is CircuitOpenError
    wait_as_told(refused)
    server.default = answer()
    assert client.query("Q", "m").cache_hit
    assert client.query("Q", "m").cache_hit
    assert len(server.requests) == 5


def test_without_one_every_call_is_tried(client: AnyClient, server: ScriptedServer) -> None:
    """There is no circuit breaker unless you ask for one."""
    server.default = answer(status=500)
    fail(client, 10)
    assert len(server.requests) >= 10


def test_refused_requests_do_not_open_it(make_client: MakeClient, server: ScriptedServer) -> None:
    """The caller's own mistakes (400, 401, 422) and rate limits open no circuit."""
    client = make_client(circuit_breaker=CircuitBreaker(1), max_retries=0)
    for status in (400, 401, 403, 404, 422, 429, 502, 504):
        server.default = answer(status=status)
        assert fail(client)[0].status_code == status


def test_copies_share_it(make_client: MakeClient, server: ScriptedServer) -> None:
    """A copy that shares the connections shares the circuit; one with its own has its own."""
    server.default = answer(status=500)
    client = make_client(circuit_breaker=CircuitBreaker(1), max_retries=0)
    fail(client)
    assert type(fail(client.with_options(model="m"))[0]) is CircuitOpenError
    own = client.with_options(circuit_breaker=CircuitBreaker(1))
    assert type(fail(own)[0]) is InternalServerError
    elsewhere = client.with_options(base_url=server.url)
    assert type(fail(elsewhere)[0]) is InternalServerError
    elsewhere.close()
    without = client.with_options(circuit_breaker=None)
    assert type(fail(without)[0]) is InternalServerError


async def test_a_cancelled_probe(server: ScriptedServer) -> None:
    """Cancelling the call that probes does not keep the circuit open: the next call probes."""
    asked = threading.Event()
    over = threading.Event()

    def stall(connection: Any) -> None:
        asked.set()
        over.wait(10)

    breaker = CircuitBreaker(1, reset_after=0.5)
    async with AsyncVectorcacheClient(
        KEY, server.url, circuit_breaker=breaker, max_retries=0
    ) as client:
        server.script = [answer(status=500), stall]
        with pytest.raises(InternalServerError):
            await client.query("Q", "m")
        with pytest.raises(CircuitOpenError) as refused:
            await client.query("Q", "m")
        await anyio.sleep(refused.value.retry_after or 0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.query, "Q", "m")
            await anyio.to_thread.run_sync(asked.wait)
            tasks.cancel_scope.cancel()
        over.set()
        assert (await client.query("Q", "m")).cache_hit


def test_it_is_logged(
    make_client: MakeClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Opening is a warning, closing is worth a line: who watches the log knows of the outage."""
    caplog.set_level(logging.INFO, "vectorcache")
    server.script = [answer(status=500)]
    client = make_client(circuit_breaker=CircuitBreaker(1, reset_after=0.5), max_retries=0)
    fail(client)
    wait_as_told(*fail(client))
    client.query("Q", "m")
    levels = {record.levelname: record.getMessage() for record in caplog.records}
    assert levels["WARNING"].startswith("circuit open for 0.5 s: failed attempts")
    assert any("circuit closed" in record.getMessage() for record in caplog.records)
    assert any("CircuitOpenError" in record.getMessage() for record in caplog.records)


def test_it_is_not_a_number(make_client: MakeClient) -> None:
    """``circuit_breaker=5`` is refused: it says neither what to count nor for how long."""
    with pytest.raises(ConfigurationError, match="circuit_breaker must be a CircuitBreaker"):
        make_client(circuit_breaker=5)
