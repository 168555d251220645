"""How far a request has got, from httpcore's events alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from vectorcache._call.trace import RequestTrace, Step

CONNECT = {"host": "cache.test", "port": 443}


def request(method: bytes = b"POST") -> dict[str, Any]:
    return {"request": SimpleNamespace(method=method)}


@pytest.fixture
def trace() -> RequestTrace:
    return RequestTrace(httpx.URL("https://cache.test/below"))


def test_nothing_is_known(trace: RequestTrace) -> None:
    """A transport that tells nothing may have sent everything, and is not a used connection."""
    assert trace.step == "waiting for a free connection"
    assert (trace.reported, trace.answered, trace.network_stream) == (False, False, None)
    assert trace.may_have_arrived is True
    assert trace.over_idle_connection is False
    trace.start("stream")
    assert trace.network_stream == "stream"
    assert trace.step == "waiting for the answer of cache.test"
    assert trace.may_have_arrived is True


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://cache.test", "cache.test", 443),
        ("http://cache.test", "cache.test", 80),
        ("https://cache.test:8443", "cache.test:8443", 8443),
    ],
)
def test_the_service(url: str, host: str, port: int) -> None:
    """It is named as its address names it, and has its scheme's port unless it says another."""
    trace = RequestTrace(httpx.URL(url))
    assert (trace.host, trace.port, trace.peer) == (host, port, host)


@pytest.mark.parametrize("protocol", ["http11", "http2"])
def test_a_new_connection(trace: RequestTrace, protocol: str) -> None:
    """From connecting to the answer, each step is known by its name."""
    assert trace.follow("connection.connect_tcp.started", CONNECT) is Step.CONNECTING
    assert (trace.step, trace.peer) == ("connecting to cache.test", "cache.test")
    assert trace.reported is True
    assert trace.may_have_arrived is False
    complete = {"return_value": "stream"}
    assert trace.follow("connection.connect_tcp.complete", complete) is Step.CONNECTED
    assert trace.network_stream == "stream"
    assert trace.follow("connection.start_tls.complete", {"return_value": "tls"})
    assert trace.network_stream == "tls"
    assert trace.follow(f"{protocol}.send_request_headers.started", request()) is None
    assert trace.step == "sending the request to cache.test"
    assert trace.may_have_arrived is False
    trace.follow(f"{protocol}.send_request_body.complete", {})
    assert trace.step == "waiting for the answer of cache.test"
    assert trace.may_have_arrived is True
    assert trace.answered is False
    trace.follow(f"{protocol}.receive_response_headers.complete", {})
    assert trace.answered is True
    assert trace.over_idle_connection is False


@pytest.mark.parametrize(("protocol", "idle"), [("http11", True), ("http2", False)])
def test_a_connection_that_was_used_before(trace: RequestTrace, protocol: str, idle: bool) -> None:
    """Only over HTTP/1.1 it was idle, so that its end says that nothing was read."""
    trace.follow(f"{protocol}.send_request_headers.started", request())
    assert trace.over_idle_connection is idle
    trace.follow(f"{protocol}.send_request_body.complete", {})
    assert trace.over_idle_connection is idle
    assert trace.may_have_arrived is True


def test_a_proxy(trace: RequestTrace) -> None:
    """What is sent to a proxy has not arrived at the service, and the proxy is named."""
    proxy = {"host": "proxy.test", "port": 3128}
    assert trace.follow("connection.connect_tcp.started", proxy) is Step.CONNECTING
    assert trace.step == "connecting to cache.test through the proxy proxy.test:3128"
    assert trace.peer == "the proxy proxy.test:3128, which should lead to cache.test"
    trace.follow("connection.connect_tcp.complete", {"return_value": "stream"})
    for event, info in (
        ("send_request_headers.started", request(b"CONNECT")),
        ("send_request_body.complete", {}),
        ("receive_response_headers.complete", {}),
    ):
        assert trace.follow(f"http11.{event}", info) is None
        assert (trace.may_have_arrived, trace.answered) == (False, False)
    assert trace.step == "connecting to cache.test through the proxy proxy.test:3128"
    trace.follow("http_proxy.start_tls.complete", {"return_value": "tunnel"})
    assert trace.peer == "cache.test through the proxy proxy.test:3128"
    trace.follow("http11.send_request_headers.started", request())
    assert (trace.step, trace.may_have_arrived) == (
        "sending the request to cache.test",
        False,
    )
    trace.follow("http11.send_request_body.complete", {})
    assert trace.may_have_arrived is True


@pytest.mark.parametrize(
    ("url", "host", "port", "proxy"),
    [
        ("https://cache.test", "cache.test", 443, ""),
        ("https://cache.test", "cache.test", 80, "cache.test:80"),
        ("https://cache.test:8443", "cache.test", 8443, ""),
        ("https://cache.test", "other.test", 443, "other.test:443"),
        ("https://cache.test:8443", "proxy.test", 8443, "proxy.test:8443"),
        ("http://127.0.0.1", "127.0.0.1", 80, ""),
        ("https://münchen.test", "xn--mnchen-3ya.test", 443, ""),
    ],
)
def test_a_proxy_is_known_by_its_address(url: str, host: str, port: int, proxy: str) -> None:
    """Connecting to anything but the service itself is connecting to a proxy."""
    trace = RequestTrace(httpx.URL(url))
    trace.follow("connection.connect_tcp.started", {"host": host, "port": port})
    assert trace.proxy == proxy


def test_other_events(trace: RequestTrace) -> None:
    """What is of no consequence changes nothing but that something was told."""
    for event in ("connection.close.started", "http2.send_connection_init.complete", "x"):
        assert trace.follow(event, {}) is None
    assert trace.step == "waiting for a free connection"
    assert trace.may_have_arrived is False
