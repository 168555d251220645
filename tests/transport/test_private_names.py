"""The private names of httpcore and anyio that this package uses still lead where they should."""

from __future__ import annotations

import json
from importlib import import_module

import httpx
import pytest
from servers import HIT, ScriptedServer, answer

from vectorcache._transport.private_names import _ASYNCIO_BACKEND, holds_more


@pytest.mark.parametrize("more", [b"", b"HTTP/1.1 200 OK\r\n"])
def test_bytes_beyond_an_answer_are_seen(server: ScriptedServer, more: bytes) -> None:
    """A connection that has received more than its answer says so, and no other does."""
    server.script = [answer() + more]
    with httpx.HTTPTransport() as transport:
        request = httpx.Request("POST", server.url, json={})
        response = transport.handle_request(request)
        assert json.loads(response.read()) == HIT
        response.close()
        assert holds_more(transport, response) is bool(more)


def test_another_transport_holds_nothing() -> None:
    """A transport that is not httpx's own has none of the names, and is trusted."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    assert not holds_more(transport, httpx.Response(200))


def test_the_backend_for_asyncio_exists() -> None:
    """The module that is loaded early is the one that anyio uses for asyncio."""
    import_module(_ASYNCIO_BACKEND)
