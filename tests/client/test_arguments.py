"""Invalid arguments are refused before anything is sent."""

from __future__ import annotations

import math
from typing import Any

import httpx
import pytest
from clients import KEY, AnyClient, MakeClient
from servers import ScriptedServer

from vectorcache import (
    AsyncVectorcacheClient,
    ConfigurationError,
    InvalidRequestError,
    VectorcacheClient,
)

GOOD: dict[str, Any] = {"prompt": "Q", "model": "gpt-4o"}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("prompt", ""),
        ("prompt", " \n\t"),
        ("prompt", None),
        ("prompt", b"bytes"),
        ("prompt", 32_001 * "x"),
        ("prompt", "half a pair: \ud800"),
        ("model", None),
        ("model", ""),
        ("model", "  "),
        ("model", 4),
        ("similarity_threshold", -0.01),
        ("similarity_threshold", 1.01),
        ("similarity_threshold", math.nan),
        ("similarity_threshold", math.inf),
        ("similarity_threshold", True),
        ("similarity_threshold", "0.85"),
        ("context", 7),
        ("context", "\udfff"),
        ("include_debug", "yes"),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", math.nan),
        ("timeout", "30"),
        ("timeout", httpx.Timeout(5, read=-1)),
        ("deadline", 0),
        ("deadline", math.inf),
        ("deadline", True),
        ("max_retries", -1),
        ("max_retries", 1.5),
        ("max_retries", None),
        ("extra_headers", [("a", "b")]),
        ("extra_headers", {"bad name": "x"}),
        ("extra_headers", {"X-A": "two\r\nlines"}),
        ("extra_headers", {"X-A": "naïve"}),
        ("extra_headers", {"authorization": "Bearer other"}),
    ],
)
def test_a_bad_query_is_refused_by_name(
    client: AnyClient, server: ScriptedServer, argument: str, value: object
) -> None:
    """A bad argument is named in the error, which is a ValueError, and nothing is sent."""
    with pytest.raises(InvalidRequestError, match=argument) as caught:
        client.query(**{**GOOD, argument: value})
    assert isinstance(caught.value, ValueError)
    assert caught.value.attempts == 0
    assert server.requests == []


def test_prompts_up_to_the_limit_are_sent(client: AnyClient, server: ScriptedServer) -> None:
    """32,000 characters are sent, whatever their size in bytes."""
    client.query(32_000 * "é", "m")
    assert len(server.requests[0].json()["prompt"]) == 32_000


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("api_key", "key with spaces"),
        ("api_key", "vc_secret\n"),
        ("api_key", "vc_sécret"),
        ("api_key", '"vc_secret"'),
        ("api_key", "Bearer vc_secret"),
        ("base_url", '"https://name:secret@api.vectorcache.com"'),
        ("base_url", "name:secret@api.vectorcache.com"),
        ("base_url", "not a url"),
        ("base_url", "ftp://api.vectorcache.com"),
        ("base_url", "api.vectorcache.com"),
        ("base_url", "https://"),
        ("base_url", "https://name:secret@api.vectorcache.com"),
        ("base_url", "https://api.vectorcache.com/?a=b"),
        ("base_url", "https://api.vectorcache.com/#part"),
        ("base_url", "http://api.vectorcache.com"),
        ("base_url", "http://127.0.0.1.example.com"),
        ("base_url", "http://10.0.0.1:8080"),
        ("timeout", 0),
        ("deadline", -1),
        ("max_retries", -1),
        ("retry", 3),
        ("model", " "),
        ("similarity_threshold", 2),
        ("similarity_threshold", None),
        ("context", 1),
        ("max_connections", 0),
        ("max_response_bytes", 0),
        ("max_response_bytes", 1e6),
        ("http_client", "client"),
        ("default_headers", {"Host": "other"}),
        ("default_headers", {"X-Token": "se\ncret"}),
        ("allow_insecure_http", "yes"),
        ("coalesce", "yes"),
    ],
)
@pytest.mark.parametrize("kind", [VectorcacheClient, AsyncVectorcacheClient])
def test_a_bad_option_is_refused_by_name(
    kind: type[VectorcacheClient | AsyncVectorcacheClient], argument: str, value: object
) -> None:
    """An invalid option raises an error when the client is made; the message shows no secret."""
    options: dict[str, Any] = {"api_key": KEY, argument: value}
    with pytest.raises(ConfigurationError, match=argument) as caught:
        kind(**options)
    assert isinstance(caught.value, ValueError)
    assert "cret" not in str(caught.value)


def test_each_client_takes_its_own_kind_of_httpx_client() -> None:
    """A sync client refuses an async httpx client when it is made, and the other way round."""
    # Type checkers see these mistakes as well.
    with httpx.Client() as sync, pytest.raises(ConfigurationError, match=r"httpx\.AsyncClient"):
        AsyncVectorcacheClient(KEY, http_client=sync)  # type: ignore[arg-type]  # pyright: ignore
    with pytest.raises(ConfigurationError, match=r"httpx\.Client"):
        VectorcacheClient(KEY, http_client=httpx.AsyncClient())  # type: ignore[arg-type]  # pyright: ignore


@pytest.mark.parametrize(
    "base_url",
    [
        "http://localhost:8000",
        "http://api.localhost",
        "http://127.0.0.1",
        "http://127.8.9.1",
        "http://[::1]:8080",
        "https://api.vectorcache.com/",
        "https://proxy.example/cache/",
    ],
)
def test_safe_addresses_are_accepted(base_url: str) -> None:
    """``http://`` is allowed only for this machine; ``https://`` for every host and path."""
    with VectorcacheClient(KEY, base_url) as client:
        assert base_url.rstrip("/") in repr(client)


def test_insecure_http_has_to_be_allowed() -> None:
    """``allow_insecure_http=True`` allows ``http://`` to other machines."""
    with VectorcacheClient(KEY, "http://10.0.0.1", allow_insecure_http=True) as client:
        assert not client.closed


class TestEnvironment:
    """The key and the address may come from the environment."""

    def test_key_and_address_come_from_the_environment(
        self, make_client: MakeClient, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A client needs no arguments if VECTORCACHE_API_KEY and VECTORCACHE_BASE_URL are set."""
        monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
        monkeypatch.setenv("VECTORCACHE_BASE_URL", f"{server.url}/prefix")
        make_client(None, base_url=None).query("Q", "m")
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert server.requests[0].line == "POST /prefix/v1/cache/query HTTP/1.1"

    def test_an_argument_has_precedence(
        self, make_client: MakeClient, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An argument has precedence over the environment."""
        monkeypatch.setenv("VECTORCACHE_API_KEY", "vc_other")
        monkeypatch.setenv("VECTORCACHE_BASE_URL", "https://nowhere.example")
        make_client().query("Q", "m")
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"

    @pytest.mark.parametrize("key", [None, ""])
    def test_empty_means_unset(self, key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        """An empty variable counts as unset; the error says how to set the key."""
        monkeypatch.setenv("VECTORCACHE_API_KEY", "")
        monkeypatch.setenv("VECTORCACHE_BASE_URL", "")
        with pytest.raises(ConfigurationError, match="VECTORCACHE_API_KEY"):
            VectorcacheClient(key)
        with VectorcacheClient(KEY) as client:
            assert "https://api.vectorcache.com" in repr(client)

    def test_an_error_names_the_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The error for an invalid value of the environment names the variable."""
        monkeypatch.setenv("VECTORCACHE_API_KEY", "vc_secret\n")
        with pytest.raises(ConfigurationError, match="VECTORCACHE_API_KEY"):
            VectorcacheClient()
        monkeypatch.setenv("VECTORCACHE_BASE_URL", "nonsense")
        with pytest.raises(ConfigurationError, match="VECTORCACHE_BASE_URL"):
            VectorcacheClient(KEY)
