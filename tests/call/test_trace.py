"""How far a request has got, from httpcore's events alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from vectorcache._call.trace import Progress, Step

CONNECT = {"host": "cache.test", "port": 443}


def request(method: bytes = b"POST") -> dict[str, Any]:
    return {"request": SimpleNamespace(method=method)}


@pytest.fixture
def progress() -> Progress:
    return Progress(httpx.URL("https://cache.test/below"))


def test_nothing_is_known(progress: Progress) -> None:
    """A transport that tells nothing may have sent everything, and is not a used connection."""
    assert progress.step == "waiting for a free connection"
    assert (progress.traced, progress.answered, progress.network_stream) == (False, False, None)
    assert progress.may_have_arrived is True
    assert progress.over_idle_connection is False
    progress.took("stream")
    assert progress.network_stream == "stream"
    assert progress.step == "waiting for the answer of cache.test"
    assert progress.may_have_arrived is True


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
    progress = Progress(httpx.URL(url))
    assert (progress.host, progress.port, progress.peer) == (host, port, host)


@pytest.mark.parametrize("protocol", ["http11", "http2"])
def test_a_new_connection(progress: Progress, protocol: str) -> None:
    """From connecting to the answer, each step is known by its name."""
    assert progress.follow("connection.connect_tcp.started", CONNECT) is Step.CONNECTING
    assert (progress.step, progress.peer) == ("connecting to cache.test", "cache.test")
    assert progress.traced is True
    assert progress.may_have_arrived is False
    complete = {"return_value": "stream"}
    assert progress.follow("connection.connect_tcp.complete", complete) is Step.CONNECTED
    assert progress.network_stream == "stream"
    assert progress.follow("connection.start_tls.complete", {"return_value": "tls"})
    assert progress.network_stream == "tls"
    assert progress.follow(f"{protocol}.send_request_headers.started", request()) is None
    assert progress.step == "sending the request to cache.test"
    assert progress.may_have_arrived is False
    progress.follow(f"{protocol}.send_request_body.complete", {})
    assert progress.step == "waiting for the answer of cache.test"
    assert progress.may_have_arrived is True
    assert progress.answered is False
    progress.follow(f"{protocol}.receive_response_headers.complete", {})
    assert progress.answered is True
    assert progress.over_idle_connection is False


@pytest.mark.parametrize(("protocol", "idle"), [("http11", True), ("http2", False)])
def test_a_connection_that_was_used_before(progress: Progress, protocol: str, idle: bool) -> None:
    """Only over HTTP/1.1 it was idle, so that its end says that nothing was read."""
    progress.follow(f"{protocol}.send_request_headers.started", request())
    assert progress.over_idle_connection is idle
    progress.follow(f"{protocol}.send_request_body.complete", {})
    assert progress.over_idle_connection is idle
    assert progress.may_have_arrived is True


def test_a_proxy(progress: Progress) -> None:
    """What is sent to a proxy has not arrived at the service, and the proxy is named."""
    proxy = {"host": "proxy.test", "port": 3128}
    assert progress.follow("connection.connect_tcp.started", proxy) is Step.CONNECTING
    assert progress.step == "connecting to cache.test through the proxy proxy.test:3128"
    assert progress.peer == "the proxy proxy.test:3128, which should lead to cache.test"
    progress.follow("connection.connect_tcp.complete", {"return_value": "stream"})
    for event, info in (
        ("send_request_headers.started", request(b"CONNECT")),
        ("send_request_body.complete", {}),
        ("receive_response_headers.complete", {}),
    ):
        assert progress.follow(f"http11.{event}", info) is None
        assert (progress.may_have_arrived, progress.answered) == (False, False)
    assert progress.step == "connecting to cache.test through the proxy proxy.test:3128"
    progress.follow("http_proxy.start_tls.complete", {"return_value": "tunnel"})
    assert progress.peer == "cache.test through the proxy proxy.test:3128"
    progress.follow("http11.send_request_headers.started", request())
    assert (progress.step, progress.may_have_arrived) == (
        "sending the request to cache.test",
        False,
    )
    progress.follow("http11.send_request_body.complete", {})
    assert progress.may_have_arrived is True


@pytest.mark.parametrize(("host", "port"), [("cache.test", 8443), ("other.test", 443)])
def test_another_address_is_a_proxy(progress: Progress, host: str, port: int) -> None:
    """Another port of the same host, or another host, is not the service itself."""
    progress.follow("connection.connect_tcp.started", {"host": host, "port": port})
    assert progress.proxy == f"{host}:{port}"


def test_other_events(progress: Progress) -> None:
    """What is of no consequence changes nothing but that something was told."""
    for event in ("connection.close.started", "http2.send_connection_init.complete", "x"):
        assert progress.follow(event, {}) is None
    assert progress.step == "waiting for a free connection"
    assert progress.may_have_arrived is False
