"""Threads: any number of them on one client."""

from __future__ import annotations

import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from clients import KEY
from lifetimes.echo import EchoServer

from vectorcache import VectorcacheClient


def test_a_thousand_threads_on_a_cold_client(
    secure_server: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each gets its own answer, over one pool, for which the certificates are read once."""
    create, made = httpx.create_ssl_context, []

    def counted() -> ssl.SSLContext:
        made.append(create())
        return made[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", counted)
    start = threading.Barrier(1_000)
    with VectorcacheClient(KEY, secure_server.url, max_connections=20, deadline=None) as client:

        def ask(number: int) -> bool:
            start.wait(60)
            return client.query(f"Q{number}", "m").response == f"Q{number}"

        with ThreadPoolExecutor(1_000) as threads:
            assert all(threads.map(ask, range(1_000)))
    assert secure_server.connections <= 20
    assert len(made) == 1


def test_closing_ends_the_clients_own_thread(server: EchoServer) -> None:
    """The thread that watches over deadlines ends with the client."""
    before = set(threading.enumerate())
    with VectorcacheClient(KEY, server.url) as client:
        client.query("Q", "m")
        (watchdog,) = (t for t in set(threading.enumerate()) - before if "vectorcache" in t.name)
    watchdog.join(5)
    assert not watchdog.is_alive()
