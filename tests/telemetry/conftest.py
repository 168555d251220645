from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from telemetry.recorded import Recorded


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the OpenTelemetry settings of the machine it runs on."""
    for name in os.environ:
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def recorded(no_settings: None) -> Iterator[Recorded]:
    """An SDK of this test alone."""
    running = Recorded()
    yield running
    running.close()
