"""``with_options``: copies of a client with other settings."""

from __future__ import annotations

import pytest
from clients import KEY, AnyClient
from servers import ScriptedServer

from vectorcache import ConfigurationError


def test_a_copy_shares_the_connections(client: AnyClient, server: ScriptedServer) -> None:
    """The copy sends over the same connection, with its own settings."""
    client.query("Q", "m")
    copy = client.with_options(similarity_threshold=0.95, model="other")
    copy.query("Q")
    client.query("Q", "m")
    bodies = [request.json() for request in server.requests]
    assert [body["similarity_threshold"] for body in bodies] == [0.85, 0.95, 0.85]
    assert server.connections == 1
    copy.close()
    assert client.closed


def test_a_copy_for_another_place_has_its_own(client: AnyClient, server: ScriptedServer) -> None:
    """A copy with another address or size opens and closes its own connections."""
    copy = client.with_options(max_connections=1)
    copy.query("Q", "m")
    copy.close()
    client.query("Q", "m")
    assert server.connections == 2


def test_a_copy_keeps_the_key(client: AnyClient, server: ScriptedServer) -> None:
    """A copy keeps the key and all other options that are not named."""
    client.with_options(timeout=5).query("Q", "m")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_bad_options_are_refused(client: AnyClient) -> None:
    """A copy is checked as strictly as a new client."""
    with pytest.raises(ConfigurationError, match="max_retries"):
        client.with_options(max_retries=-1)
    with pytest.raises(TypeError, match="thresold"):
        # The mistake that type checkers see as well.
        client.with_options(thresold=0.9)  # type: ignore[call-arg]  # pyright: ignore
