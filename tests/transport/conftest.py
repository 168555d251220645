"""Fixtures for clients that send through an httpx client of the user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal
from servers import ScriptedServer
from transport.own_clients import Asking


@pytest.fixture(params=["sync", "async"])
def asking(request: pytest.FixtureRequest, server: ScriptedServer) -> Iterator[Asking]:
    """Clients of the server, of both kinds, closed at the end of the test."""
    with start_blocking_portal() as portal:
        made = Asking(request.param, server, portal.call)
        yield made
        made.close()
