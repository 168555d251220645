"""A page in a browser cannot read a cache on loopback by DNS rebinding."""

from collections.abc import Iterable

import httpx
import pytest
from local.serving import served
from local.stand_ins import Angles
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from vectorcache.local import app
from vectorcache.local.hosts import AllowedHosts

KEY = "Bearer vc_" + "0" * 32
BODY = {"prompt": "30", "model": "gpt-4o"}


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("localhost", True),
        ("LocalHost.:8000", True),
        ("cache.localhost:8000", True),
        ("127.0.0.1", True),
        ("127.8.8.8:1", True),
        ("[::1]", True),
        ("[::1]:8000", True),
        ("cache.example.com:8000", True),
        ("[fd00::5]:8000", True),
        (None, True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example:8000", False),
        ("evil.example:127.0.0.1", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_on_loopback(address: str, host: str | None, answered: bool) -> None:
    """Names of this machine and those that were allowed are answered, on any port; no others."""
    hosts = AllowedHosts(["Cache.Example.com", "fd00::5"])
    refusal = hosts.refusal(address, host)
    assert (refusal is None) is answered
    assert answered or "allowed_hosts" in str(refusal)


@pytest.mark.parametrize("address", ["10.0.0.1", "fd00::5", "testserver", "/run/socket", None])
def test_elsewhere(address: str | None) -> None:
    """What does not arrive on loopback is not judged by its name."""
    assert AllowedHosts().refusal(address, "cache.example.com") is None


def test_every_name() -> None:
    """``*`` allows every name."""
    assert AllowedHosts(["*"]).refusal("127.0.0.1", "evil.example") is None


@pytest.mark.parametrize("names", ["cache.example.com", b"x", [b"x"], [1]])
def test_names_that_are_not_a_list_of_strings(names: Iterable[str]) -> None:
    """A string in place of a list is an error, rather than a list of letters."""
    with pytest.raises(TypeError, match="allowed_hosts must be a list"):
        app(allowed_hosts=names)


def test_over_a_socket() -> None:
    """A request under another name is a 400 that says what to do; the others are answered."""
    with served(app(embedder=Angles())) as url, httpx.Client(base_url=url) as client:
        headers = {"Authorization": KEY}
        refused = client.post(
            "/v1/cache/query", json=BODY, headers=headers | {"Host": "evil.example"}
        )
        answered = client.post("/v1/cache/query", json=BODY, headers=headers)
    assert refused.status_code == 400
    assert "'evil.example', which is not this machine" in refused.json()["detail"]
    assert len(refused.headers["x-request-id"]) == 32
    assert answered.status_code == 200


async def test_in_process() -> None:
    """Tests that call the application without a socket may call it by any name."""
    application = app(embedder=Angles())
    mounted = Starlette(routes=[Mount("/cache", application)])
    transport = httpx.ASGITransport(mounted)
    async with httpx.AsyncClient(transport=transport, base_url="http://cache.test/cache") as client:
        answer = await client.post("/v1/cache/query", json=BODY, headers={"Authorization": KEY})
    assert answer.status_code == 200
    with TestClient(application) as user:
        assert user.post("/v1/cache/query", json=BODY, headers={"Authorization": KEY}).is_success
