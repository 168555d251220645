"""Over HTTP/2, by an httpx client of one's own: what may have been paid for is not sent often."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from clients import KEY, AnyClient, BlockingAsyncClient, MakeClient
from transport.http2_server import Http2Server

from vectorcache import APIConnectionError, APITimeoutError, AsyncVectorcacheClient, RetryPolicy
from vectorcache import VectorcacheClient as Client

QUICK = RetryPolicy(transient_backoff=0, uncertain_delay=0.3)


@pytest.fixture
def server() -> Iterator[Http2Server]:
    with Http2Server() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, server: Http2Server) -> Iterator[AnyClient]:
    """A client of either kind whose requests go out over HTTP/2."""
    if request.param == "sync":
        with (
            httpx.Client(http2=True, verify=server.trust, trust_env=False) as own,
            Client(KEY, server.url, http_client=own, retry=QUICK, max_retries=4) as made,
        ):
            yield made
        return
    with start_blocking_portal() as portal:
        shared = httpx.AsyncClient(http2=True, verify=server.trust, trust_env=False)
        unwrapped = AsyncVectorcacheClient(
            KEY, server.url, http_client=shared, retry=QUICK, max_retries=4
        )
        yield BlockingAsyncClient(unwrapped, portal.call)
        portal.call(unwrapped.aclose)
        portal.call(shared.aclose)


@pytest.mark.parametrize("used_before", [False, True])
def test_a_request_that_gets_no_answer(
    client: AnyClient, server: Http2Server, used_before: bool
) -> None:
    """Once more at most, after the delay of the policy (copilot-cli#2421, PortOS#7605)."""
    if used_before:
        client.query("before", "m")
        server.arrivals.clear()
    server.rest = "silence"
    with pytest.raises(APITimeoutError, match="waiting for the answer of localhost") as caught:
        client.query("Q", "m", timeout=0.2)
    assert caught.value.attempts == len(server.arrivals) == 2
    assert server.least_gap >= 0.3


@pytest.mark.parametrize("used_before", [False, True])
def test_a_connection_that_breaks(
    client: AnyClient, server: Http2Server, used_before: bool
) -> None:
    """Once more at most, after that delay: other requests may have used that connection."""
    if used_before:
        client.query("before", "m")
        server.arrivals.clear()
    server.rest = "reset"
    with pytest.raises(APIConnectionError, match="broke while waiting for the answer") as caught:
        client.query("Q", "m")
    assert caught.value.attempts == len(server.arrivals) == 2
    assert server.least_gap >= 0.3


@pytest.mark.parametrize("error", [httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError])
def test_what_was_never_sent_may_be_sent_as_often_as_any(
    make_client: MakeClient, error: type[httpx.TransportError]
) -> None:
    """A transport that reports nothing else says by these errors that it has sent nothing."""
    sent = []

    def fail(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise error("no")

    client = make_client(http_client=httpx.MockTransport(fail), max_retries=3)
    with pytest.raises(APIConnectionError):
        client.query("Q", "m")
    assert len(sent) == 4
