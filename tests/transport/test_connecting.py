"""Connecting keeps to the time as all the rest does, though nothing can interrupt it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from clients import MakeClient
from servers import ScriptedServer

from vectorcache import APITimeoutError

# By how much a deadline may be missed.
SLACK = 0.3


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Names are looked up only once the event is set."""
    known = threading.Event()
    look_up = socket.getaddrinfo

    def wait_and_look_up(*arguments: Any, **options: Any) -> Any:
        known.wait(10)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", wait_and_look_up)
    yield known
    known.set()


def test_a_name_that_is_not_found_in_time(
    make_client: MakeClient, server: ScriptedServer, slow_names: threading.Event
) -> None:
    """A resolver that hangs costs no more than the deadline; what it finds later is not used."""
    client = make_client(base_url=f"http://localhost:{server.port}", max_connections=1)
    before = time.monotonic()
    with pytest.raises(APITimeoutError, match="while connecting to localhost"):
        client.query("Q", "m", deadline=0.3)
    assert 0.3 <= time.monotonic() - before < 0.3 + SLACK
    slow_names.set()
    assert client.query("Q", "m").cache_hit
    assert len(server.requests) == 1


def test_each_attempt_may_look_it_up(
    make_client: MakeClient, server: ScriptedServer, slow_names: threading.Event
) -> None:
    """``timeout`` holds for the look-up too, and as nothing was sent it is tried again."""
    client = make_client(base_url=f"http://localhost:{server.port}")
    with pytest.raises(APITimeoutError) as caught:
        client.query("Q", "m", timeout=0.1)
    assert caught.value.attempts == 3


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port on which nothing is ever accepted, as behind a firewall that drops packets."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        crowd = [socket.socket() for _ in range(4)]
        for waiting in crowd:
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for waiting in crowd:
            waiting.close()


def test_a_host_with_several_addresses(
    make_client: MakeClient, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All addresses of a host that does not answer share the time of one attempt."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", silent_port))] * 4
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    client = make_client(base_url=f"http://localhost:{silent_port}")
    before = time.monotonic()
    with pytest.raises(APITimeoutError):
        client.query("Q", "m", deadline=0.4)
    assert 0.4 <= time.monotonic() - before < 0.4 + SLACK


def test_a_connection_that_the_server_has_closed(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    """What is known to be closed is not written on: a fresh connection is made at once."""
    client = make_client(max_connections=1)
    server.script = [lambda connection: connection.sendall(server.default)]  # type: ignore[arg-type]
    client.query("Q", "m")
    assert server.wait_until_idle(10)
    assert client.query("Q", "m").meta.attempts == 1
    assert (server.connections, len(server.requests)) == (2, 2)
