"""What one's own httpx client adds to its requests: fastapi_client#25, openai-python#1026."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from clients import KEY, AnyClient, BlockingAsyncClient
from servers import HIT, Received, ScriptedServer, answer

from vectorcache import (
    APIConnectionError,
    APIStatusError,
    AsyncVectorcacheClient,
    AuthenticationError,
    ConfigurationError,
    RetryPolicy,
    VectorcacheClient,
)

AUTHORIZATION = f"Bearer {KEY}"


class Asking:
    """Asks through a client of one's own, of either kind."""

    def __init__(self, kind: str, server: ScriptedServer, call: Callable[..., Any]) -> None:
        self.kind = kind
        self._server = server
        self._call = call
        self._made: list[tuple[Any, AnyClient]] = []

    def client(self, options: dict[str, Any] | None = None, **own: Any) -> AnyClient:
        """A client whose requests go through an httpx client made of ``own``."""
        settings = {
            "base_url": self._server.url,
            "retry": RetryPolicy.without_waiting(),
            **(options or {}),
        }
        client: AnyClient
        if self.kind == "sync":
            sending = httpx.Client(**own)
            client = VectorcacheClient(KEY, http_client=sending, **settings)
            self._made.append((sending.close, client))
        else:
            awaiting = httpx.AsyncClient(**own)
            client = BlockingAsyncClient(
                AsyncVectorcacheClient(KEY, http_client=awaiting, **settings), self._call
            )
            self._made.append((lambda: self._call(awaiting.aclose), client))
        return client

    def received(self, options: dict[str, Any] | None = None, **own: Any) -> Received:
        """What the server receives of a query through it."""
        assert self.client(options, **own).query("Q", "m").cache_hit
        return self._server.requests[-1]

    def hook(self, hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A plain event hook, as this kind of client takes it."""

        async def awaited(message: Any) -> None:
            hook(message)

        return hook if self.kind == "sync" else awaited

    def close(self) -> None:
        for close_own, client in self._made:
            client.close()
            close_own()


@pytest.fixture(params=["sync", "async"])
def asking(request: pytest.FixtureRequest, server: ScriptedServer) -> Iterator[Asking]:
    """Clients of the server, of both kinds, closed at the end of the test."""
    with start_blocking_portal() as portal:
        made = Asking(request.param, server, portal.call)
        yield made
        made.close()


class Adds(httpx.Auth):
    """An auth that sets headers."""

    def __init__(self, **headers: str) -> None:
        self._headers = headers

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.update({name.replace("_", "-"): v for name, v in self._headers.items()})
        yield request


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


def test_auth_adds_to_a_request(asking: Asking) -> None:
    """An auth may set any header but the one that carries the key."""
    found = asking.received(auth=Adds(X_Gateway_Token="t", Authorization="Basic theirs"))
    assert found.headers["x-gateway-token"] == "t"
    assert found.headers["authorization"] == AUTHORIZATION


def test_auth_may_make_a_request_anew(asking: Asking) -> None:
    """A function as auth may return another request, such as one with a signed URL."""

    def sign(request: httpx.Request) -> httpx.Request:
        url = request.url.copy_merge_params({"signature": "s"})
        return httpx.Request(
            request.method, url, headers={"X-Signed": "1"}, content=request.content
        )

    found = asking.received(auth=sign)
    assert found.line == "POST /v1/cache/query?signature=s HTTP/1.1"
    assert found.headers["x-signed"] == "1"
    assert found.headers["authorization"] == AUTHORIZATION


@pytest.mark.parametrize(
    "auth", [("user", "password"), httpx.BasicAuth("user", "password")], ids=["pair", "object"]
)
def test_auth_does_not_replace_the_key(
    asking: Asking, auth: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The key is sent instead of the credentials that an auth would set, and the log says so."""
    caplog.set_level(logging.DEBUG, "vectorcache")
    found = asking.received(auth=auth, follow_redirects=True)
    assert found.headers["authorization"] == AUTHORIZATION
    assert "the auth of http_client sets Authorization" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("explicit", [False, True], ids=["environment", "auth"])
def test_netrc_does_not_count(
    asking: Asking, tmp_path: Any, explicit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A .netrc for the service's host does not replace the key."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a-user password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    found = asking.received(auth=httpx.NetRCAuth(str(netrc)) if explicit else None)
    assert found.headers["authorization"] == AUTHORIZATION


def test_redirects_are_not_followed(asking: Asking, server: ScriptedServer) -> None:
    """A redirect is an error, also where the client would follow it."""
    server.default = answer(status=307, headers={"Location": server.url + "/elsewhere"})
    with pytest.raises(APIStatusError, match="redirect to 127"):
        asking.client(follow_redirects=True).query("Q", "m")
    assert len(server.requests) == 1


class TokenOnDemand(httpx.Auth):
    """Fetches a token from another server once the service has refused a request without one."""

    requires_response_body = True

    def __init__(self, url: str) -> None:
        self._url = url
        self.refusals: list[bytes] = []

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        refused = yield request
        if refused.status_code == 401:
            self.refusals.append(refused.content)
            token = yield httpx.Request("POST", self._url)
            request.headers["X-Token"] = token.json()["token"]
            yield request


def test_auth_may_ask_for_a_token(asking: Asking, server: ScriptedServer) -> None:
    """An auth may send more requests; a server other than the service never sees the key."""
    server.script = [answer({"detail": "no token"}, status=401)]
    with ScriptedServer() as tokens:
        tokens.default = answer({"token": "t"})
        auth = TokenOnDemand(tokens.url + "/token")
        found = asking.received(auth=auth)
        assert "authorization" not in tokens.requests[0].headers
    assert json.loads(auth.refusals[0]) == {"detail": "no token"}
    assert found.headers["x-token"] == "t"
    assert [one.headers["authorization"] for one in server.requests] == 2 * [AUTHORIZATION]
    assert found.json()["prompt"] == "Q"


def test_a_challenge_is_not_answered_by_the_same_request(
    asking: Asking, server: ScriptedServer
) -> None:
    """Where an auth would only replace the key, the request is not sent again."""
    challenge = {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}
    server.default = answer({"detail": "no"}, status=401, headers=challenge)
    with pytest.raises(AuthenticationError, match="no"):
        asking.client(auth=httpx.DigestAuth("user", "password")).query("Q", "m")
    assert len(server.requests) == 1


def test_an_exception_has_no_key(asking: Asking) -> None:
    """Neither the request that a failure holds nor its headers lead to the key."""

    def lose(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("lost", request=request)

    with pytest.raises(APIConnectionError) as caught:
        asking.client(
            {"max_retries": 0},
            transport=httpx.MockTransport(lose),
            auth=Adds(X_Gateway_Token="t"),
        ).query("Q", "m")
    cause = caught.value.__cause__
    assert isinstance(cause, httpx.ReadError)
    assert "authorization" not in cause.request.headers


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
