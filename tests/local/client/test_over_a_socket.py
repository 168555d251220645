"""The same cache as an ASGI application, with the clients pointed at it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from clients import MakeClient
from local.client.prompts import RESET, RESET_AGAIN
from local.serving import served
from local.stand_ins import Angles, Recorder

from vectorcache import AuthenticationError, LLMProviderError
from vectorcache.local import MiniLM, app


def test_miss_and_hit(
    make_client: MakeClient,
    path: Path,
    minilm: MiniLM,
    llm: Recorder,
    left_open: Callable[[], int],
) -> None:
    """With base_url and any well-formed key a client is answered as in its own process."""
    with served(app(path, llm, embedder=minilm)) as url:
        client = make_client(base_url=url)
        miss = client.query(RESET, "gpt-4o", context="shop")
        hit = client.query(RESET_AGAIN, "gpt-4o", context="shop", include_debug=True)
        assert not client.query(RESET, "gpt-4o").cache_hit
        client.close()
    assert (miss.cache_hit, miss.response) == (False, f"answer 1 to {RESET}")
    assert (hit.cache_hit, hit.response) == (True, miss.response)
    assert hit.debug is not None
    assert hit.debug.cache_entry_count == 1
    assert re.fullmatch("[0-9a-f]{32}", hit.meta.request_id or "")
    assert left_open() == 0


def test_file_of_a_local_client(
    make_local: MakeClient, make_client: MakeClient, path: Path, llm: Recorder
) -> None:
    """The application and local clients may share a file."""
    make_local(path, llm, embedder=Angles()).query("30", "gpt-4o")
    with served(app(path, llm, embedder=Angles())) as url:
        client = make_client(base_url=url)
        assert client.query("30 degrees", "gpt-4o").response == "answer 1 to 30"
        client.close()


def test_failures(make_client: MakeClient) -> None:
    """A failing LLM and an invalid key are the same errors as at the hosted service."""

    async def llm(prompt: str, model: str, context: str | None) -> str:
        raise ConnectionError("no route to the model")

    with served(app(llm=llm, embedder=Angles())) as url:
        client = make_client(base_url=url)
        with pytest.raises(LLMProviderError, match="no route to the model") as caught:
            client.query("30", "gpt-4o")
        assert caught.value.attempts == 3
        stranger = make_client("no-such-key", base_url=url)
        with pytest.raises(AuthenticationError, match="32 hexadecimal digits"):
            stranger.query("30", "gpt-4o")
        client.close()
        stranger.close()


def test_many_at_once(make_client: MakeClient) -> None:
    """Sixteen threads with a connection each get the right answers."""
    with served(app(llm=lambda prompt, *_: f"for {prompt}", embedder=Angles())) as url:
        client = make_client(base_url=url, similarity_threshold=1)
        prompts = [f"{n % 20} degrees" for n in range(200)]
        with ThreadPoolExecutor(16) as pool:
            results = list(pool.map(lambda prompt: client.query(prompt, "gpt-4o"), prompts))
        client.close()
    assert [result.response for result in results] == [f"for {prompt}" for prompt in prompts]


def test_a_client_that_leaves(make_client: MakeClient, capfd: pytest.CaptureFixture[str]) -> None:
    """A client that closes the connection during a request causes no error in the service."""
    head = b"POST /v1/cache/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n"
    with served(app(embedder=Angles())) as url:
        address = urlsplit(url)
        client = make_client(base_url=url)
        with socket.create_connection((address.hostname, address.port)) as left:
            left.sendall(head + b"{")
            client.query("30", "gpt-4o")
        client.query("60", "gpt-4o")
        client.close()
    assert capfd.readouterr().err == ""
