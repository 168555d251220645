from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from anyio.from_thread import start_blocking_portal
from clients import KEY, AnyClient, BlockingAsyncClient, MakeClient
from platforms import reason_to_skip
from servers import ScriptedServer

from vectorcache import AsyncVectorcacheClient, RetryPolicy, VectorcacheClient

# A busy machine must not fail a test: benchmarks/ measure how long things take.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips the tests that cannot run on this platform."""
    for item in items:
        if reason := reason_to_skip(sys.platform, item.nodeid):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True, scope="session")
def default_ctrl_c() -> Iterator[None]:
    """Restores Ctrl-C where tests are started by ``nohup`` or in a script's background.

    There SIGINT is ignored from the start, and a program inherits that from the one that starts it.
    A program does not inherit a handler: what tests start gets the default action of the system.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the variables by which a test could depend on the machine that it runs on."""
    for name in (
        "VECTORCACHE_API_KEY",
        "VECTORCACHE_BASE_URL",
        "VECTORCACHE_LOG",
        *(f"{scheme}_proxy" for scheme in ("http", "https", "all", "no")),
        *(f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL", "NO")),
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A real server on loopback that answers as its script says."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def make_client(request: pytest.FixtureRequest, server: ScriptedServer) -> Iterator[MakeClient]:
    """Makes sync and async clients of the server, and closes them after the test."""
    with start_blocking_portal() as portal:
        made: list[AnyClient] = []

        def make(api_key: str | None = KEY, **options: Any) -> AnyClient:
            options = {"base_url": server.url, "retry": RetryPolicy.without_waiting(), **options}
            client: AnyClient
            if request.param == "sync":
                client = VectorcacheClient(api_key, **options)
            else:
                unwrapped = AsyncVectorcacheClient(api_key, **options)
                client = BlockingAsyncClient(unwrapped, portal.call)
            made.append(client)
            return client

        yield make
        for client in made:
            client.close()


@pytest.fixture
def client(make_client: MakeClient) -> AnyClient:
    """A sync or async client of the server that does not wait between attempts."""
    return make_client()
