"""OpenAI's client itself: its key, its options, its Vectorcache client, and its attributes."""

from __future__ import annotations

from typing import Any
from unittest import mock

import openai
import pytest
from clients import KEY
from llm.openai_clients import QUESTION, client_of
from servers import HIT, ScriptedServer

import vectorcache
from vectorcache import VectorcacheClient
from vectorcache.integrations.openai import AsyncOpenAI, OpenAI


@pytest.mark.parametrize("kind", [OpenAI, AsyncOpenAI])
def test_no_key(kind: type[OpenAI | AsyncOpenAI]) -> None:
    """Without a key no client is made; the error is also an ``OpenAIError``."""
    with pytest.raises(openai.OpenAIError, match="VECTORCACHE_API_KEY") as caught:
        kind()
    assert isinstance(caught.value, vectorcache.ConfigurationError)


@pytest.mark.parametrize("kind", [OpenAI, AsyncOpenAI])
def test_a_key_of_openai(kind: type[OpenAI | AsyncOpenAI], server: ScriptedServer) -> None:
    """A key for OpenAI is neither sent to Vectorcache nor shown in the error."""
    for key in ("sk-proj-abc", " sk-abc"):
        with pytest.raises(vectorcache.ConfigurationError, match="a key for OpenAI") as caught:
            kind(api_key=key, base_url=server.url)
        assert "abc" not in str(caught.value)


def test_with_options(server: ScriptedServer) -> None:
    """A copy with other options shares the connections, and keeps all other settings."""
    with client_of(server, model="gpt-4o", ignore=["temperature"]) as client:
        client.chat.completions.create(messages=QUESTION)
        copy = client.with_options(context="legal")
        copy.chat.completions.create(messages=QUESTION, temperature=0)
        none = copy.with_options(ignore=[])
        with pytest.raises(openai.BadRequestError):
            none.chat.completions.create(messages=QUESTION, temperature=0)
        with pytest.raises(openai.OpenAIError, match="timeout"):
            client.with_options(timeout=-1)
    assert server.requests[1].json()["context"] == "legal"
    assert server.connections == 1
    assert client.vectorcache.stats.calls == 2


def test_timeouts_of_openai_everywhere(server: ScriptedServer) -> None:
    """An ``openai.Timeout`` is accepted by the constructor and by ``with_options``."""

    def wait(connection: Any) -> None:
        connection.recv(1)

    server.default = wait
    short: Any = openai.Timeout(0.05)
    clients = (
        client_of(server, max_retries=0, timeout=short),
        client_of(server, max_retries=0).with_options(timeout=short),
    )
    for client in clients:
        with client, pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model="gpt-4o", messages=QUESTION)


def test_a_client_of_your_own(server: ScriptedServer) -> None:
    """Your own client stays open, and its ``stats`` count the calls."""
    with VectorcacheClient(KEY, server.url, model="gpt-4o") as own:
        with OpenAI(own) as client:
            completion = client.chat.completions.create(messages=QUESTION)
            assert completion.model == "gpt-4o"
            assert client.vectorcache is own
        assert not own.closed
        assert own.stats.calls == 1
    with pytest.raises(vectorcache.ConfigurationError, match="is closed"):
        client.chat.completions.create(messages=QUESTION)


def test_clients_of_another_kind(server: ScriptedServer) -> None:
    """A sync client for the async class, and a client together with options, are refused."""
    with VectorcacheClient(KEY, server.url) as own:
        wrong: Any = own
        with pytest.raises(vectorcache.ConfigurationError, match="one AsyncVectorcacheClient"):
            AsyncOpenAI(wrong)
        with pytest.raises(vectorcache.ConfigurationError, match="or the options"):
            OpenAI(own, timeout=5)


def test_the_rest_of_openais_client(server: ScriptedServer) -> None:
    """Other attributes raise an error that says what to use instead."""
    with client_of(server) as client:
        parts: list[tuple[Any, str]] = [
            (client, "client.models"),
            (client.chat, "client.chat.messages"),
            (client.chat.completions, "client.chat.completions.stream"),
        ]
        for part, path in parts:
            name = path.rpartition(".")[2]
            assert not hasattr(part, name)
            with pytest.raises(AttributeError, match=f"^{path} is not supported.*openai package"):
                getattr(part, name)


def test_legacy_completions_are_refused(server: ScriptedServer) -> None:
    """OpenAI's completions without messages are refused with the method to use instead."""
    with (
        client_of(server) as client,
        pytest.raises(openai.BadRequestError, match=r"call client\.chat"),
    ):
        client.completions.create(model="gpt-3.5-turbo-instruct", prompt="What is ML?")
    assert server.requests == []


def test_create_can_be_patched(server: ScriptedServer) -> None:
    """``chat`` and ``completions`` are the same at each access, so that tests may patch ``create``.

    openai-python#398.
    """
    with client_of(server, model="gpt-4o") as client:
        assert client.chat is client.chat
        assert client.chat.completions is client.chat.completions
        patched: Any = "patched"
        with mock.patch.object(client.chat.completions, "create", return_value=patched):
            assert client.chat.completions.create(messages=QUESTION) is patched
        assert client.chat.completions.create(messages=QUESTION).choices
        assert client.with_options(context="legal").chat is not client.chat
    own = AsyncOpenAI(api_key=KEY, base_url=server.url)
    assert own.chat.completions is own.chat.completions
    assert len(server.requests) == 1


# LangSmith warns about its own code when it is imported.
@pytest.mark.filterwarnings("ignore:langsmith.wrappers._openai_agents:DeprecationWarning")
def test_wrapped_by_langsmith(server: ScriptedServer) -> None:
    """LangSmith's ``wrap_openai`` wraps ``create``, with and without streams."""
    from langsmith.wrappers import wrap_openai

    with client_of(server, model="gpt-4o") as client:
        wrapped: Any = wrap_openai(client)
        create = wrapped.chat.completions.create
        assert create(messages=QUESTION).choices[0].message.content == HIT["response"]
        chunks = list(create(messages=QUESTION, stream=True))
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == HIT["response"]
