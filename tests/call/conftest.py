"""Fixtures for equal calls."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from call.held_service import HeldService
from servers import ScriptedServer


@pytest.fixture
def service(server: ScriptedServer) -> Iterator[HeldService]:
    """A service that holds its answers back."""
    made = HeldService(server)
    yield made
    made.released.set()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads that wait while the test goes on."""
    with ThreadPoolExecutor(40) as pool:
        yield pool
