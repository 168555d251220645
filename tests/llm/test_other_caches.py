"""Caches of the libraries themselves: none gives one tenant's answer to another.

langchain#14590, langchain#19328.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import litellm
import pytest
from clients import KEY
from langchain_core.caches import InMemoryCache
from litellm.caching.caching import Cache
from litellm.exceptions import BadRequestError
from llama_index.core.extractors import TitleExtractor
from llama_index.core.ingestion.pipeline import get_transformation_hash
from llama_index.core.schema import TextNode
from pydantic import SecretStr
from servers import ScriptedServer

from vectorcache import (
    AsyncVectorcacheClient,
    ConfigurationError,
    SensitiveDataFilter,
    VectorcacheClient,
)
from vectorcache.integrations.langchain import ChatVectorcache
from vectorcache.integrations.litellm import VectorcacheLLM
from vectorcache.integrations.llamaindex import Vectorcache

# LiteLLM warns about its own code when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")

OTHER_KEY = KEY[:-1] + "c"


def hosted(url: str, **options: Any) -> VectorcacheClient:
    return VectorcacheClient(**{"api_key": KEY, "base_url": url, "model": "gpt-4o", **options})


def one_fallback(prompt: str, model: str, context: str | None) -> str:
    return "one"


def other_fallback(prompt: str, model: str, context: str | None) -> str:
    return "other"


DIFFERENCES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "context": ({"context": "a"}, {"context": "b"}),
    "key": ({}, {"api_key": OTHER_KEY}),
    "function for the key": ({"api_key": lambda: KEY}, {"api_key": lambda: OTHER_KEY}),
    "threshold": ({"similarity_threshold": 0.9}, {"similarity_threshold": 0.99}),
    "model": ({}, {"model": "gpt-4o-mini"}),
    "address": ({}, {"path": "/eu"}),
    "header": (
        {"default_headers": {"X-Tenant": "a"}},
        {"default_headers": {"X-Tenant": "b"}},
    ),
    "fallback": ({"fallback": one_fallback}, {"fallback": other_fallback}),
    "before_send": ({}, {"before_send": SensitiveDataFilter()}),
    "transport": ({}, {"http_client": httpx.HTTPTransport()}),
}


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_langchains_cache(server: ScriptedServer, difference: str) -> None:
    """Models whose clients differ in a setting that decides an answer share no entry."""
    cache = InMemoryCache()
    for options in DIFFERENCES[difference]:
        path = options.get("path", "")
        own = {name: value for name, value in options.items() if name != "path"}
        with hosted(server.url + path, **own) as client:
            model = ChatVectorcache(client=client, cache=cache)
            model.invoke("What is my balance?")
            model.invoke("What is my balance?")
    assert len(server.requests) == 2


def test_langchains_cache_and_the_models_own_options(server: ScriptedServer) -> None:
    """Models with different options, and calls with different bound options, share no entry."""
    cache = InMemoryCache()
    with hosted(server.url) as client:
        own: list[dict[str, Any]] = [
            {},
            {"similarity_threshold": 0.95},
            {"context": "legal"},
            {"stop": ["."]},
        ]
        for options in own:
            model = ChatVectorcache(client=client, cache=cache, **options)
            model.invoke("What is ML?")
            model.invoke("What is ML?")
        model = ChatVectorcache(client=client, cache=cache)
        model.bind(context="finance").invoke("What is ML?")
        model.model_copy(update={"context": "sales"}).invoke("What is ML?")
    assert len(server.requests) == 6


def test_langchains_cache_is_used(server: ScriptedServer) -> None:
    """Different clients with the same settings share entries."""
    cache = InMemoryCache()
    for timeout in (5, 10):
        with hosted(server.url, timeout=timeout, context="a") as client:
            ChatVectorcache(client=client, cache=cache).invoke("What is ML?")
    ChatVectorcache(
        model="gpt-4o", api_key=SecretStr(KEY), base_url=server.url, context="a", cache=cache
    ).invoke("What is ML?")
    assert len(server.requests) == 1


def test_embedded_caches_share_no_entry(tmp_path: Any) -> None:
    """Two embedded caches share no entry of LangChain's cache, though neither has a key."""
    cache = InMemoryCache()

    def answering(text: str) -> Callable[[str, str, str | None], str]:
        return lambda prompt, model, context: text

    said = []
    for text in ("one", "other"):
        with VectorcacheClient.local(llm=answering(text), model="gpt-4o") as client:
            clients = (client, client.with_options(timeout=5))
            models = [ChatVectorcache(client=same, cache=cache) for same in clients]
            said += [model.invoke("What is ML?").text for model in models]
    assert said == ["one", "one", "other", "other"]


def test_how_langchain_identifies_a_model(server: ScriptedServer) -> None:
    """The identity shows neither the key nor a header, and is the same in each process."""
    with hosted(server.url, default_headers={"X-Token": "secret"}, context="a") as client:
        known = ChatVectorcache(client=client)._identifying_params
        again = ChatVectorcache(client=client.with_options(timeout=7))._identifying_params
    assert known == again
    assert KEY not in str(known)
    assert "secret" not in str(known)
    assert known["context"] == "a"
    assert known["base_url"] == server.url
    assert known["similarity_threshold"] == 0.85
    with hosted("https://example.com") as client:
        identity = ChatVectorcache(client=client)._identifying_params["identity"]
    assert identity == "c8047d4b3ec8f1a58abcbf8820e7a141116cff67a2c25d68c727645de8929c90"


@pytest.mark.parametrize("make", [ChatVectorcache, Vectorcache, VectorcacheLLM])
@pytest.mark.parametrize(
    "other", [{"context": "b"}, {"api_key": OTHER_KEY}, {"similarity_threshold": 0.99}]
)
def test_one_model_is_one_tenant(
    server: ScriptedServer, make: Callable[..., Any], other: dict[str, Any]
) -> None:
    """Two clients of one model that belong to different tenants are refused."""
    options: dict[str, Any] = {"api_key": KEY, "base_url": server.url, "context": "a"}
    async_client = AsyncVectorcacheClient(**{**options, **other})
    with (
        VectorcacheClient(**options) as client,
        pytest.raises(ConfigurationError, match="client and async_client differ in"),
    ):
        make(client=client, async_client=async_client)
    asyncio.run(async_client.aclose())


def extractor(client: VectorcacheClient) -> TitleExtractor:
    # LlamaIndex's pipelines cache the result of this transformation.
    return TitleExtractor(llm=Vectorcache(client=client))


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_llamaindexs_cache(server: ScriptedServer, difference: str) -> None:
    """LlamaIndex's pipelines keep the results of LLMs with different clients apart."""
    keys: set[str] = set()
    for options in DIFFERENCES[difference]:
        path = options.get("path", "")
        own = {name: value for name, value in options.items() if name != "path"}
        with hosted(server.url + path, **own) as client:
            keys.update(
                get_transformation_hash([TextNode(text="Cats sleep.")], extractor(each))
                for each in (client, client.with_options(timeout=7))
            )
    assert len(keys) == 2


def test_llamaindexs_dictionaries(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A serialised LLM has its settings but no key, and can be loaded again."""
    with hosted(server.url, context="a", similarity_threshold=0.9) as client:
        llm = Vectorcache(client=client)
        written = llm.to_dict()
        assert KEY not in str(written)
        assert written["context"] == "a"
        again = Vectorcache.from_dict(written, client=client)
        assert again.to_dict() == written
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    read = Vectorcache.from_json(llm.to_json())
    assert read.to_dict() == written
    read.complete("What is ML?")
    assert server.requests[0].json()["context"] == "a"
    assert server.requests[0].json()["similarity_threshold"] == 0.9
    read.close()


@pytest.mark.parametrize("option", [{"context": "b"}, {"similarity_threshold": 0.99}])
def test_litellms_cache(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, option: dict[str, Any]
) -> None:
    """Options that LiteLLM's cache ignores are refused, unless its setting includes them."""
    for name in ("input_callback", "success_callback", "_async_success_callback"):
        monkeypatch.setattr(litellm, name, [])
    messages = [{"role": "user", "content": "What is my balance?"}]
    with hosted(server.url) as client:
        provider = {"provider": "vectorcache", "custom_handler": VectorcacheLLM(client)}
        monkeypatch.setattr(litellm, "custom_provider_map", [provider])
        ask = partial(litellm.completion, "vectorcache/gpt-4o", messages=messages)
        ask(**option)
        monkeypatch.setattr(litellm, "cache", Cache())
        with pytest.raises(BadRequestError, match=r"litellm\.cache would use"):
            ask(**option)
        ask()
        monkeypatch.setattr(litellm, "enable_caching_on_provider_specific_optional_params", True)
        ask(**option)
    assert len(server.requests) == 3
