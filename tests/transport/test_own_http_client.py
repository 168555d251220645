"""One's own httpx client or transport, in place of ours."""

from __future__ import annotations

import httpx
import pytest
from clients import KEY
from servers import HIT, ScriptedServer

from vectorcache import (
    APIConnectionError,
    AsyncVectorcacheClient,
    RetryPolicy,
    VectorcacheClient,
)


class ClosableTransport(httpx.BaseTransport):
    """A transport of one's own that knows whether it was closed."""

    closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=HIT)

    def close(self) -> None:
        self.closed = True


def test_it_is_used_and_left_open(server: ScriptedServer) -> None:
    """Queries go through it; closing our client leaves it to its owner."""
    with httpx.Client(headers={"X-Own": "1"}) as own:
        with VectorcacheClient(KEY, server.url, http_client=own) as client:
            assert client.query("Q", "m").cache_hit
        assert not own.is_closed
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_the_async_one_too(server: ScriptedServer) -> None:
    """The async client takes an httpx.AsyncClient."""
    async with httpx.AsyncClient() as own:
        async with AsyncVectorcacheClient(KEY, server.url, http_client=own) as client:
            assert (await client.query("Q", "m")).cache_hit
        assert not own.is_closed


@pytest.mark.parametrize("error", [httpx.ReadError, httpx.ReadTimeout, httpx.WriteError])
def test_a_transport_that_tells_nothing(error: type[httpx.TransportError]) -> None:
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


def test_a_transport_is_closed_with_its_client() -> None:
    """A transport instead of a client is ours to close."""
    transport = ClosableTransport()
    with VectorcacheClient(KEY, http_client=transport) as client:
        client.query("Q", "m")
    assert transport.closed


def test_errors_are_still_ours() -> None:
    """What its transport raises becomes an error of this package."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise RuntimeError("a hook of one's own")

    with (
        httpx.Client(transport=httpx.MockTransport(refuse)) as own,
        VectorcacheClient(KEY, "http://localhost", http_client=own) as client,
        pytest.raises(Exception, match="a hook of one's own") as caught,
    ):
        client.query("Q", "m")
    assert type(caught.value).__module__ == "vectorcache"


def test_a_copy_does_not_close_what_it_was_lent() -> None:
    """A copy with other connections leaves the transport of its original open."""
    transport = ClosableTransport()
    with VectorcacheClient(KEY, http_client=transport) as client:
        with client.with_options(max_connections=1) as copy:
            assert copy.query("Q", "m").cache_hit
        assert not transport.closed
    assert transport.closed
