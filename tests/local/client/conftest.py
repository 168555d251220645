"""Fixtures for the tests of the local client: sync and async clients, and places of caches."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from clients import AnyClient, BlockingAsyncClient, MakeClient

from vectorcache import AsyncVectorcacheClient, RetryPolicy, VectorcacheClient
from vectorcache.local import MiniLM


@pytest.fixture(params=["sync", "async"])
def make_local(request: pytest.FixtureRequest, minilm: MiniLM) -> Iterator[MakeClient]:
    """Makes sync or async local clients that do not wait between attempts, and closes them."""
    with start_blocking_portal() as portal, ExitStack() as made:

        def make(*arguments: Any, **options: Any) -> AnyClient:
            options = {"embedder": minilm, "retry": RetryPolicy.without_waiting(), **options}
            client: AnyClient
            if request.param == "sync":
                client = VectorcacheClient.local(*arguments, **options)
            else:
                unwrapped = AsyncVectorcacheClient.local(*arguments, **options)
                client = BlockingAsyncClient(unwrapped, portal.call)
            made.callback(client.close)
            return client

        yield make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a cache may be kept."""
    return tmp_path / "cache.db"


@pytest.fixture
def left_open(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Counts the files, and databases in memory, that were opened since and not closed."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def recording(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    def is_open(connection: sqlite3.Connection) -> bool:
        try:
            return connection.total_changes >= 0
        except sqlite3.ProgrammingError:
            return False

    monkeypatch.setattr(sqlite3, "connect", recording)
    return lambda: sum(map(is_open, opened))
