"""The API key is in no span, no metric and nothing that Prometheus reads."""

from __future__ import annotations

import pytest
from canary.channels import channels_of_object
from canary.key import CANARY, gives_away
from canary.scenes import SCENES
from clients import MakeClient
from prometheus_client import CollectorRegistry, generate_latest
from servers import ScriptedServer
from telemetry.recorded import Recorded

from vectorcache import VectorcacheError
from vectorcache.telemetry import PrometheusCollector


@pytest.mark.parametrize("scene", SCENES)
def test_it_is_nowhere(
    make_client: MakeClient, server: ScriptedServer, recorded: Recorded, scene: str
) -> None:
    """The key stays out even if a server repeats it and all content is switched on."""
    server.default = SCENES[scene]
    observer = recorded.observer(record_content=True, record_context=True)
    client = make_client(CANARY, observers=[observer])
    try:
        client.query("Q", "m", context="c")
    except VectorcacheError as error:
        # A span of the caller's own would have this message, too.
        assert not gives_away(str(error).encode())
    registry = CollectorRegistry()
    registry.register(PrometheusCollector(client, by_context=True))
    assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert len(recorded.spans) == 1
    assert not gives_away(recorded.everything().encode())
    assert not gives_away(generate_latest(registry))
    for channel, text in channels_of_object(observer):
        assert not gives_away(text.encode() if isinstance(text, str) else text), channel
