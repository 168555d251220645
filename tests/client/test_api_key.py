"""The API key may be a text, a secret type, or a function that is called for each attempt."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Awaitable
from typing import Any

import anyio
import anyio.lowlevel
import pydantic
import pytest
from clients import KEY, MakeClient
from servers import ScriptedServer, answer

from vectorcache import (
    AsyncVectorcacheClient,
    AuthenticationError,
    CircuitBreaker,
    ConfigurationError,
    RateLimiter,
    VectorcacheClient,
)
from vectorcache._client import client_identity

OTHER_KEY = "vc_" + 8 * "4e5f"
KINDS = [VectorcacheClient, AsyncVectorcacheClient]
AnyKind = type[VectorcacheClient | AsyncVectorcacheClient]


class Rotating:
    """Returns one key after the other, and then always the last one."""

    def __init__(self, *keys: Any) -> None:
        self._keys = list(keys)
        self.asked = 0

    def __call__(self) -> Any:
        self.asked += 1
        return self._keys.pop(0) if len(self._keys) > 1 else self._keys[0]


def sent(server: ScriptedServer) -> list[str]:
    """The keys that the server received."""
    return [request.headers["authorization"].removeprefix("Bearer ") for request in server.requests]


def test_a_secret_type(make_client: MakeClient, server: ScriptedServer) -> None:
    """Anything with get_secret_value(), such as pydantic's SecretStr, is used for its secret."""
    client = make_client(pydantic.SecretStr(KEY))
    client.query("Q", "m")
    client.with_options(api_key=pydantic.SecretStr(OTHER_KEY)).query("Q", "m")
    assert sent(server) == [KEY, OTHER_KEY]


def test_an_empty_secret_counts_as_none(
    make_client: MakeClient, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an empty secret, as with an empty text, the key of the environment is used."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    make_client(pydantic.SecretStr("")).query("Q", "m")
    assert sent(server) == [KEY]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("key", "says"),
    [
        (f'"{KEY}"', "docker run --env-file"),
        (f"'{KEY}'", "quotation marks"),
        ("sk-proj-abc", "a key for OpenAI"),
        (" sk-ant-abc\n", "a key for OpenAI"),
        (f'"{KEY}"\n', "quotation marks"),
        (f"\u201c{KEY}\u201d", "quotation marks"),
        (f"{KEY}'", "quotation marks"),
        (f"Bearer {KEY}", "pass the key alone"),
        (f"bearer\t{KEY}", "pass the key alone"),
        (f"Authorization: Bearer {KEY}", "pass the key alone"),
        (f"{KEY}\n", "line break"),
        ("   ", "line break"),
        (KEY.encode(), "is of type bytes: pass a str"),
        (5, "is of type int: pass a str"),
        (pydantic.SecretStr(f'"{KEY}"'), "quotation marks"),
        (pydantic.SecretBytes(KEY.encode()), "is of type bytes"),
    ],
)
@pytest.mark.parametrize("place", ["argument", "environment"])
def test_an_invalid_key(
    kind: AnyKind, key: Any, says: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invalid key raises an error that says why, without the key, before anything is sent."""
    if place == "environment":
        if not isinstance(key, str):
            return
        monkeypatch.setenv("VECTORCACHE_API_KEY", key)
        key = None
    with pytest.raises(ConfigurationError) as caught:
        kind(key)
    name = "api_key" if place == "argument" else "VECTORCACHE_API_KEY"
    assert str(caught.value).startswith(f"{name} ")
    assert says in str(caught.value)
    assert KEY[3:] not in str(caught.value)


def test_a_function_is_asked_for_each_attempt(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    """If the key changes between two attempts of a call, the second attempt uses the new key."""
    server.script = [answer({"detail": "no"}, status=500)]
    rotating = Rotating(KEY, OTHER_KEY)
    client = make_client(rotating)
    assert rotating.asked == 0
    assert client.query("Q", "m").meta.attempts == 2
    client.query("Q", "m")
    assert sent(server) == [KEY, OTHER_KEY, OTHER_KEY]


def test_a_function_may_return_a_secret_type(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    """A function may return whatever the argument ``api_key`` itself may be."""
    make_client(lambda: pydantic.SecretStr(KEY)).query("Q", "m")
    assert sent(server) == [KEY]


async def test_an_async_function(server: ScriptedServer) -> None:
    """The async client awaits an async function, and a plain one that returns an awaitable."""

    async def ask() -> str:
        await anyio.lowlevel.checkpoint()
        return KEY

    def begin() -> Awaitable[str]:
        return ask()

    for function in (ask, begin):
        async with AsyncVectorcacheClient(function, server.url) as client:
            assert (await client.query("Q", "m")).cache_hit
    assert sent(server) == [KEY, KEY]


def test_the_sync_client_takes_no_async_function(server: ScriptedServer) -> None:
    """The sync client refuses an async function: at once, or when it returns an awaitable."""

    async def ask() -> str:
        return KEY

    with pytest.raises(ConfigurationError, match="api_key is an async function"):
        VectorcacheClient(ask, server.url)
    with VectorcacheClient(lambda: ask(), server.url) as client:
        with pytest.raises(ConfigurationError, match="use AsyncVectorcacheClient"):
            client.query("Q", "m")
        with pytest.raises(ConfigurationError, match="api_key is an async function"):
            client.with_options(api_key=ask)
    assert server.requests == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "is empty"),
        (None, "is empty"),
        (pydantic.SecretStr(""), "is empty"),
        (f'"{KEY}"', "quotation marks"),
        (f"{KEY}\n", "line break"),
        (5, "of type int"),
        (str, "is a function"),
    ],
)
def test_what_a_function_returns_is_checked(
    make_client: MakeClient, server: ScriptedServer, given: Any, says: str
) -> None:
    """A function that does not return a valid key raises an error, and nothing is sent."""
    with pytest.raises(ConfigurationError, match="what the function api_key= returned") as caught:
        make_client(lambda: given).query("Q", "m")
    assert says in str(caught.value)
    assert KEY[3:] not in "".join(traceback.format_exception(caught.value))
    assert server.requests == []


class VaultError(Exception):
    """An error that the user's own function raises."""


def test_what_a_function_raises_reaches_the_caller(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    """An error of the function is not retried, and no fallback or circuit breaker handles it."""
    error = VaultError("sealed")

    def ask() -> str:
        raise error

    asked: list[str] = []

    def fallback(prompt: str, model: str, context: str | None) -> str:
        asked.append(prompt)
        return "an answer"

    client = make_client(ask, circuit_breaker=CircuitBreaker(failures=1), fallback=fallback)
    for _ in range(2):
        with pytest.raises(VaultError) as caught:
            client.query("Q", "m")
        assert caught.value is error
    assert server.requests == []
    assert asked == []
    (failed,) = client.query_many(["Q"], model="m")
    assert failed.error is error
    assert client.with_options(api_key=KEY).query("Q", "m").cache_hit


def test_all_keys_that_were_sent_are_removed(
    make_client: MakeClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """An error shows neither the current nor the previous key, even if the service repeats them."""
    caplog.set_level("DEBUG", "vectorcache")
    said = {"detail": f"neither {KEY} nor {OTHER_KEY}"}
    headers = {"X-Request-Id": f"{KEY}-{OTHER_KEY}", "Server": OTHER_KEY}
    server.script = [
        answer({"detail": KEY}, status=500, headers={"Server": KEY}),
        answer(said, status=401, headers=headers),
    ]
    client = make_client(Rotating(KEY, OTHER_KEY))
    with pytest.raises(AuthenticationError) as caught:
        client.query("Q", "m")
    shown = f"{vars(caught.value)}{caught.value}{client!r}{caplog.text}"
    assert "[key removed]" in shown
    assert sent(server) == [KEY, OTHER_KEY]
    assert KEY[3:] not in shown
    assert OTHER_KEY[3:] not in shown


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_does_not_show_the_function(kind: AnyKind) -> None:
    """A client does not show or pickle the function, because the function may hold the key."""

    class Function:
        def __call__(self) -> str:
            return KEY

        def __repr__(self) -> str:
            return KEY

    client = kind(Function())
    assert KEY not in f"{client!r}{vars(client)!r}{client._settings!r}"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(client._settings.api_key)


def test_functions_share_a_limit_in_redis(make_client: MakeClient) -> None:
    """Processes whose keys come from functions share a limit, as those with the same key do."""
    settings = [
        VectorcacheClient(given, "https://a.example")._settings
        for given in (lambda: KEY, lambda: OTHER_KEY, KEY)
    ]
    first, second, other = (one.key_digest for one in settings)
    assert first == second != other
    limiter = RateLimiter("1000/second")
    assert make_client(lambda: KEY, rate_limit=limiter).query("Q", "m").cache_hit


@pytest.mark.parametrize("kind", KINDS)
def test_two_clients_with_functions_are_not_alike(kind: AnyKind) -> None:
    """Two clients with functions have different identities, as their keys may be of two tenants."""
    first, second = kind(lambda: KEY), kind(lambda: KEY)
    assert client_identity(first) != client_identity(second)
    assert client_identity(first.with_options(context="c")) == client_identity(first)
    assert client_identity(first.with_options(api_key=lambda: OTHER_KEY)) != client_identity(first)
    assert (
        client_identity(kind(KEY)) == client_identity(kind(KEY)) != client_identity(kind(OTHER_KEY))
    )


@pytest.mark.parametrize("kind", KINDS)
def test_calls_with_a_function_are_not_coalesced(kind: AnyKind) -> None:
    """``coalesce`` is refused with a function, as equal calls may then be of two tenants."""
    with pytest.raises(ConfigurationError, match="coalesce=True"):
        kind(lambda: KEY, coalesce=True)
    with pytest.raises(ConfigurationError, match="coalesce=True"):
        kind(KEY, coalesce=True).with_options(api_key=lambda: KEY)


@pytest.mark.parametrize(
    ("key", "error"), [(lambda: KEY, "does not use"), (pydantic.SecretStr(KEY), "does not use")]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_local_client_takes_no_key(kind: AnyKind, key: Any, error: str) -> None:
    """A local client refuses a key of any form, and does not show it."""
    with pytest.raises(ConfigurationError, match=error):
        kind.local(api_key=key)
