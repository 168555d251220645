"""Libraries that answer in place of the network work with both clients, without a network."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import respx
import vcr
from clients import KEY, AnyClient, MakeClient
from pytest_httpx import HTTPXMock
from servers import HIT

from vectorcache import InternalServerError

BASE = "https://cache.test"
URL = f"{BASE}/v1/cache/query"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is looked up, no socket connects, and no thread of ours is started."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        pytest.fail("this needs a network")

    start = threading.Thread.start

    def start_unless_ours(thread: threading.Thread) -> None:
        assert not thread.name.startswith("vectorcache")
        start(thread)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(threading.Thread, "start", start_unless_ours)


@pytest.fixture
def client(make_client: MakeClient) -> AnyClient:
    return make_client(base_url=BASE)


@respx.mock
def test_respx(client: AnyClient) -> None:
    """respx answers the requests of a client that was made without it (respx#52)."""
    route = respx.post(URL)
    route.side_effect = [httpx.Response(500), httpx.Response(200, json=HIT)]
    assert client.query("Q", "m").meta.attempts == 2
    assert route.calls.last.request.headers["authorization"] == f"Bearer {KEY}"


@respx.mock
def test_a_failure_that_respx_makes(client: AnyClient) -> None:
    """Errors of httpx that respx raises count as failed attempts, as on a network."""
    respx.post(URL).side_effect = [httpx.ConnectError, httpx.Response(200, json=HIT)]
    assert client.query("Q", "m").meta.attempts == 2


def test_pytest_httpx(client: AnyClient, httpx_mock: HTTPXMock) -> None:
    """pytest-httpx answers the requests of a client that was made without it."""
    httpx_mock.add_response(url=URL, status_code=503)
    httpx_mock.add_response(url=URL, json=HIT)
    assert client.query("Q", "m").meta.attempts == 2
    assert httpx_mock.get_requests()[-1].headers["authorization"] == f"Bearer {KEY}"


def test_a_cassette_of_vcrpy(client: AnyClient, tmp_path: Path) -> None:
    """vcrpy plays back what it has recorded (responses#333 and requests-mock#238 are alike)."""
    cassette = tmp_path / "answers.yaml"
    exchange = {
        "request": {"method": "POST", "uri": URL, "body": "", "headers": {}},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"Content-Type": ["application/json"]},
            "body": {"string": json.dumps(HIT)},
        },
    }
    cassette.write_text(json.dumps({"interactions": [exchange], "version": 1}))
    with vcr.use_cassette(str(cassette), record_mode="none") as played:
        assert client.query("Q", "m").cache_hit
        assert played.all_played


def test_a_patched_transport(client: AnyClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that patches ``handle_request`` itself needs no more than that."""
    statuses = iter((500, 500, 500))

    def fail(_: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return httpx.Response(next(statuses), request=request)

    async def fail_async(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return httpx.Response(next(statuses), request=request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", fail)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", fail_async)
    with pytest.raises(InternalServerError) as caught:
        client.query("Q", "m")
    assert caught.value.attempts == 3
