"""The arguments of ``OpenTelemetryObserver``."""

from __future__ import annotations

from typing import Any

import pytest
from telemetry.recorded import Recorded

from vectorcache import ConfigurationError
from vectorcache.telemetry import OpenTelemetryObserver


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tracer_provider": "console"}, "tracer_provider is of type str"),
        ({"meter_provider": 1}, "meter_provider is of type int"),
        ({"record_content": "no"}, "record_content"),
        ({"record_context": None}, "record_context"),
    ],
)
def test_what_it_cannot_be_made_of(options: dict[str, Any], words: str) -> None:
    """The error says which argument is invalid, so that no content goes out by mistake."""
    with pytest.raises(ConfigurationError, match=words):
        OpenTelemetryObserver(**options)


def test_providers_in_each_others_place(recorded: Recorded) -> None:
    """The error says so, too, if the two providers are exchanged."""
    tracers: Any = recorded.tracer_provider
    meters: Any = recorded.meter_provider
    with pytest.raises(ConfigurationError, match="tracer_provider is of type MeterProvider"):
        OpenTelemetryObserver(meters, tracers)
