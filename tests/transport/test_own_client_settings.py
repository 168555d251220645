"""What one's own httpx client adds to its requests: fastapi_client#25, openai-python#1026."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from clients import KEY
from servers import HIT, ScriptedServer, answer
from transport.own_clients import AUTHORIZATION, Asking

from vectorcache import (
    APIStatusError,
    AsyncVectorcacheClient,
    ConfigurationError,
    VectorcacheClient,
)


def test_headers_cookies_and_parameters(asking: Asking) -> None:
    """All that the client sends with its own requests goes out with ours, the key unchanged."""
    found = asking.received(
        headers={"X-Own": "1"}, cookies={"session": "c"}, params={"tenant": "a b"}
    )
    assert found.headers["x-own"] == "1"
    assert found.headers["cookie"] == "session=c"
    assert found.line == "POST /v1/cache/query?tenant=a+b HTTP/1.1"
    assert found.headers["authorization"] == AUTHORIZATION
    assert found.json()["prompt"] == "Q"


def test_cookies_of_an_answer_are_kept(asking: Asking, server: ScriptedServer) -> None:
    """A cookie that the service or a gateway sets comes back with the next query."""
    server.script = [answer(headers={"Set-Cookie": "route=2; Path=/"})]
    client = asking.client()
    for _ in range(2):
        client.query("Q", "m")
    assert server.requests[1].headers["cookie"] == "route=2"


def test_ours_win_where_both_name_one(asking: Asking) -> None:
    """The key, the body's headers and default_headers replace what the client has for them."""
    found = asking.received(
        {"default_headers": {"X-Both": "ours", "Cookie": "ours=1"}},
        headers={
            "Authorization": "Basic theirs",
            "X-Both": "theirs",
            "User-Agent": "theirs/1",
            "Accept": "text/html",
            "Accept-Encoding": "br",
            "Content-Type": "text/plain",
            "Connection": "close",
        },
        cookies={"theirs": "1"},
    )
    assert found.headers["authorization"] == AUTHORIZATION
    assert found.headers["x-both"] == "ours"
    assert found.headers["cookie"] == "ours=1"
    assert found.headers["user-agent"].startswith("vectorcache-python/")
    assert found.headers["accept"] == "application/json"
    assert found.headers["accept-encoding"] == "gzip"
    assert found.headers["content-type"] == "application/json"
    assert found.headers["connection"] == "close"


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Content-Encoding"]
)
def test_a_header_that_cannot_be_honoured(asking: Asking, name: str) -> None:
    """A header that would break the request is refused when the client is made."""
    with pytest.raises(ConfigurationError, match=f"(?i)http_client sets the header {name}"):
        asking.client(headers={name: "1"})


def test_event_hooks(asking: Asking) -> None:
    """Its hooks see request and answer, and may add to the request."""
    seen: list[int] = []

    def add(request: httpx.Request) -> None:
        request.headers["X-Hook"] = "1"

    def look(response: httpx.Response) -> None:
        seen.append(response.status_code)

    hooks = {"request": [asking.hook(add)], "response": [asking.hook(look)]}
    assert asking.received(event_hooks=hooks).headers["x-hook"] == "1"
    assert seen == [200]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_hook_that_reads_the_answer(asking: Asking, server: ScriptedServer, packed: bool) -> None:
    """An answer that a hook has read, such as for a log, still reaches the caller."""
    seen: list[bytes] = []

    def read(response: httpx.Response) -> None:
        seen.append(response.read())

    async def aread(response: httpx.Response) -> None:
        seen.append(await response.aread())

    if packed:
        content = gzip.compress(json.dumps(HIT).encode())
        server.default = answer(raw=content, headers={"Content-Encoding": "gzip"})
    asking.received(event_hooks={"response": [read if asking.kind == "sync" else aread]})
    assert json.loads(seen[0]) == HIT


def test_a_hook_that_consumes_the_answer(asking: Asking, server: ScriptedServer) -> None:
    """An answer that a hook took without keeping it is a ConfigurationError that says so."""

    def consume(response: httpx.Response) -> None:
        for _ in response.iter_raw():
            pass

    async def aconsume(response: httpx.Response) -> None:
        async for _ in response.aiter_raw():
            pass

    client = asking.client(
        event_hooks={"response": [consume if asking.kind == "sync" else aconsume]}
    )
    with pytest.raises(ConfigurationError, match=r"response\.read\(\)"):
        client.query("Q", "m")
    assert len(server.requests) == 1


def test_redirects_are_not_followed(asking: Asking, server: ScriptedServer) -> None:
    """A redirect is an error, also where the client would follow it."""
    server.default = answer(status=307, headers={"Location": server.url + "/elsewhere"})
    with pytest.raises(APIStatusError, match="redirect to 127"):
        asking.client(follow_redirects=True).query("Q", "m")
    assert len(server.requests) == 1


def test_send_may_be_patched(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools that patch httpx's clients, as Sentry's does, see the calls, and may add headers."""
    kind = httpx.Client if asking.kind == "sync" else httpx.AsyncClient
    client = asking.client()
    real: Any = kind.send

    def send(own: Any, request: httpx.Request, **options: Any) -> Any:
        request.headers["X-Trace"] = "1"
        return real(own, request, **options)

    monkeypatch.setattr(kind, "send", send)
    client.query("Q", "m")
    assert asking._server.requests[-1].headers["x-trace"] == "1"


def test_a_closed_one(asking: Asking) -> None:
    """A client of one's own that is closed already is named as the reason."""
    client = asking.client()
    asking._made[0][0]()
    with pytest.raises(ConfigurationError, match="http_client is closed"):
        client.query("Q", "m")


# Named as that library's classes are.
Httpx2Client = type("Client", (), {"__module__": "httpx2._client"})
Httpx2AsyncClient = type("AsyncClient", (), {"__module__": "httpx2._client"})


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        (VectorcacheClient, Httpx2Client, "httpx2.Client: pass an httpx.Client,"),
        (VectorcacheClient, httpx.AsyncClient, "httpx.AsyncClient: pass an httpx.Client,"),
        (VectorcacheClient, object, "object: pass an httpx.Client,"),
        (AsyncVectorcacheClient, Httpx2AsyncClient, "httpx2.AsyncClient: pass an httpx.AsyncC"),
        (AsyncVectorcacheClient, httpx.Client, "httpx.Client: pass an httpx.AsyncClient,"),
    ],
)
def test_another_kind_of_client(kind: Any, given: Callable[[], Any], says: str) -> None:
    """An ``http_client`` of the wrong type is named with its library."""
    with pytest.raises(ConfigurationError) as caught:
        kind(KEY, http_client=given())
    assert f"http_client is of type {says}" in str(caught.value)


class Streamed(httpx.AsyncByteStream):
    """A body that only a task can read."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield json.dumps(HIT).encode()


async def test_a_mocked_transport() -> None:
    """A mocked transport under one's own client works, whatever body it answers with."""

    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Streamed())

    own = httpx.AsyncClient(transport=httpx.MockTransport(reply))
    async with own, AsyncVectorcacheClient(KEY, http_client=own) as client:
        assert (await client.query("Q", "m")).cache_hit
