"""The auth of the user's httpx client adds to requests, and never replaces or shows the key."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from typing import Any

import httpx
import pytest
from clients import KEY
from servers import ScriptedServer, answer
from transport.own_clients import AUTHORIZATION, Adds, Asking

from vectorcache import (
    APIConnectionError,
    AuthenticationError,
)


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
