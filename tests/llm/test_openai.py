"""The face of OpenAI's client."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

import openai
import pytest
from clients import KEY
from llm.openai_clients import QUESTION, client_of
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
)
from servers import HIT, MISS, ScriptedServer, answer

import vectorcache
from vectorcache import AsyncVectorcacheClient, VectorcacheClient
from vectorcache.integrations.openai import AsyncOpenAI, OpenAI


def test_the_packages_own_types(server: ScriptedServer) -> None:
    """``create`` returns the openai package's own completion, with all that its type asks for."""
    server.default = answer(MISS, headers={"X-Request-ID": "r-7"})
    with client_of(server) as client:
        completion = client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert type(completion) is ChatCompletion
    assert completion.id == "chatcmpl-r-7"
    assert completion._request_id == "r-7"
    assert completion.object == "chat.completion"
    assert completion.model == "gpt-4o"
    [choice] = completion.choices
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert choice.message.content == MISS["response"]
    # Nobody counts tokens, and zeros would say that somebody did.
    assert completion.usage is None
    assert completion.model_extra is not None
    assert completion.model_extra["vectorcache"]["cache_hit"] is False
    assert ChatCompletion.model_validate_json(completion.model_dump_json()) == completion


def test_an_answer_goes_into_the_next_question(server: ScriptedServer) -> None:
    """A completion's own message may be appended to the messages, as with openai."""
    with client_of(server, model="gpt-4o") as client:
        first = client.chat.completions.create(messages=QUESTION)
        message: Any = first.choices[0].message
        client.chat.completions.create(
            messages=[*QUESTION, message, {"role": "user", "content": "And deep learning?"}]
        )
    assert server.requests[1].json()["prompt"] == "And deep learning?"


def test_what_is_not_given(server: ScriptedServer) -> None:
    """The package's own words for "not given" count as that."""
    with client_of(server) as client:
        client.chat.completions.create(
            model="gpt-4o",
            messages=QUESTION,
            temperature=openai.NOT_GIVEN,
            seed=openai.omit,
            extra_query=None,
            extra_body={},
        )
    assert len(server.requests) == 1


def test_timeouts_of_openai(server: ScriptedServer) -> None:
    """``timeout`` is a number of seconds or openai's own ``Timeout``; it holds for an attempt."""

    def wait(connection: Any) -> None:
        connection.recv(1)

    server.default = wait
    with client_of(server, max_retries=0) as client:
        for timeout in (0.05, openai.Timeout(0.05)):
            with pytest.raises(openai.APITimeoutError) as caught:
                client.chat.completions.create(model="gpt-4o", messages=QUESTION, timeout=timeout)
            assert isinstance(caught.value, vectorcache.APITimeoutError)
            assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                ],
            },
            "image_url",
        ),
        ({"role": "tool", "tool_call_id": "a", "content": "42"}, "tool_call_id"),
    ],
)
def test_messages_that_are_no_text(server: ScriptedServer, message: Any, says: str) -> None:
    """Images and tools are refused as OpenAI refuses a bad request, and nothing is sent."""
    with client_of(server) as client, pytest.raises(openai.BadRequestError, match=says) as caught:
        client.chat.completions.create(model="gpt-4o", messages=[message, *QUESTION])
    assert isinstance(caught.value, vectorcache.InvalidRequestError)
    assert caught.value.status_code == 400
    assert caught.value.attempts == 0
    assert server.requests == []


@pytest.mark.parametrize("kind", [OpenAI, AsyncOpenAI])
def test_no_key(kind: type[OpenAI | AsyncOpenAI]) -> None:
    """Without a key no client is made, which openai, too, calls an ``OpenAIError``."""
    with pytest.raises(openai.OpenAIError, match="VECTORCACHE_API_KEY") as caught:
        kind()
    assert isinstance(caught.value, vectorcache.ConfigurationError)


@pytest.mark.parametrize("kind", [OpenAI, AsyncOpenAI])
def test_a_key_of_openai(kind: type[OpenAI | AsyncOpenAI], server: ScriptedServer) -> None:
    """A key for OpenAI is refused before it could be sent to Vectorcache, and is not shown."""
    for key in ("sk-proj-abc", " sk-abc"):
        with pytest.raises(vectorcache.ConfigurationError, match="a key for OpenAI") as caught:
            kind(api_key=key, base_url=server.url)
        assert "abc" not in str(caught.value)


def test_the_rest_of_openais_client(server: ScriptedServer) -> None:
    """What is not there says so, and what to use for it."""
    with client_of(server) as client:
        parts: list[tuple[Any, str]] = [
            (client, "client.models"),
            (client.chat, "client.chat.messages"),
            (client.chat.completions, "client.chat.completions.stream"),
        ]
        for part, path in parts:
            name = path.rpartition(".")[2]
            assert not hasattr(part, name)
            with pytest.raises(AttributeError, match=f"^{path} is not there.*openai package"):
                getattr(part, name)


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


# What LangSmith does to itself when it is imported.
@pytest.mark.filterwarnings("ignore:langsmith.wrappers._openai_agents:DeprecationWarning")
def test_wrapped_by_langsmith(server: ScriptedServer) -> None:
    """LangSmith's ``wrap_openai`` wraps ``create``, whole and as a stream."""
    from langsmith.wrappers import wrap_openai

    with client_of(server, model="gpt-4o") as client:
        wrapped: Any = wrap_openai(client)
        create = wrapped.chat.completions.create
        assert create(messages=QUESTION).choices[0].message.content == HIT["response"]
        chunks = list(create(messages=QUESTION, stream=True))
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == HIT["response"]


@pytest.mark.parametrize("kind", [OpenAI, AsyncOpenAI])
def test_a_stream(server: ScriptedServer, kind: type[Any]) -> None:
    """``stream=True`` returns one of openai's streams, with chunks as OpenAI sends them."""
    server.default = answer(MISS, headers={"X-Request-ID": "r-7"})

    async def streamed() -> tuple[Any, list[Any], list[Any]]:
        client = kind(api_key=KEY, base_url=server.url, model="gpt-4o")
        create = client.chat.completions.create
        more = {"stream": True, "stream_options": {"include_usage": True}}
        if kind is OpenAI:
            with client, create(messages=QUESTION, **more) as stream:
                chunks = list(stream)
                stream.close()
                return stream, chunks, list(stream)
        async with client, await create(messages=QUESTION, **more) as stream:
            chunks = [chunk async for chunk in stream]
            await stream.close()
            return stream, chunks, [chunk async for chunk in stream]

    stream, chunks, rest = asyncio.run(streamed())
    assert isinstance(stream, openai.Stream if kind is OpenAI else openai.AsyncStream)
    assert stream.response.headers["x-request-id"] == "r-7"
    assert rest == []
    first, *middle, last = chunks
    assert first.choices[0].delta.role == "assistant"
    assert first.choices[0].delta.content == ""
    assert "".join(chunk.choices[0].delta.content for chunk in middle) == MISS["response"]
    assert len(middle) > 1
    assert last.choices[0].finish_reason == "stop"
    assert last.choices[0].delta.content is None
    for chunk in chunks:
        assert type(chunk) is ChatCompletionChunk
        assert chunk.id == "chatcmpl-r-7"
        assert chunk.model == "gpt-4o"
        assert chunk.object == "chat.completion.chunk"
        assert chunk.usage is None
        assert chunk.model_extra is not None
        assert chunk.model_extra["vectorcache"]["replayed"] is True
        assert chunk.model_extra["vectorcache"]["cache_hit"] is False
    assert len(server.requests) == 1


def test_a_stream_that_is_closed_early(server: ScriptedServer) -> None:
    """What was not read of a stream is not brought any more once it is closed."""
    with client_of(server, model="gpt-4o") as client:
        stream = client.chat.completions.create(messages=QUESTION, stream=True)
        assert next(stream).choices
        stream.close()
        assert list(stream) == []


def test_whether_to_stream(server: ScriptedServer) -> None:
    """``stream`` is True or False, or not given; anything else is refused before it is sent."""
    with client_of(server, model="gpt-4o") as client:
        for no in (False, None, openai.omit, openai.NOT_GIVEN):
            completion = client.chat.completions.create(messages=QUESTION, stream=no)
            assert type(completion) is ChatCompletion
        assert len(server.requests) == 4
        yes: Any = "yes"
        with pytest.raises(openai.BadRequestError, match="stream is of type str"):
            client.chat.completions.create(messages=QUESTION, stream=yes)
    assert len(server.requests) == 4


def test_legacy_completions_are_refused(server: ScriptedServer) -> None:
    """OpenAI's completions without messages say what to use in their place."""
    with (
        client_of(server) as client,
        pytest.raises(openai.BadRequestError, match=r"use client\.chat"),
    ):
        client.completions.create(model="gpt-3.5-turbo-instruct", prompt="What is ML?")
    assert server.requests == []


def test_timeouts_of_openai_everywhere(server: ScriptedServer) -> None:
    """An ``openai.Timeout`` is taken wherever a timeout is."""

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


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            {"extra_body": {"user": "jane", "similarity_threshold": 0.9}},
            "extra_body has 'similarity_threshold'.*pass similarity_threshold=",
        ),
        ({"extra_body": {"top_k": 3}}, "extra_body was given"),
        ({"extra_query": {"a": "b"}}, "extra_query was given"),
    ],
)
def test_other_fields(server: ScriptedServer, more: dict[str, Any], says: str) -> None:
    """What is put beside the arguments is refused, with the name of the argument to use."""
    with client_of(server) as client, pytest.raises(openai.BadRequestError, match=says):
        client.chat.completions.create(model="gpt-4o", messages=QUESTION, **more)
    assert server.requests == []


def test_with_options(server: ScriptedServer) -> None:
    """A copy with other options shares the connections, and keeps what it was not told."""
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


def test_a_client_of_your_own(server: ScriptedServer) -> None:
    """A client that was given stays open, and is the one that counts."""
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
    """A client of the other colour, and a client beside options, are refused."""
    with VectorcacheClient(KEY, server.url) as own:
        wrong: Any = own
        with pytest.raises(vectorcache.ConfigurationError, match="one AsyncVectorcacheClient"):
            AsyncOpenAI(wrong)
        with pytest.raises(vectorcache.ConfigurationError, match="or the options"):
            OpenAI(own, timeout=5)


def test_async(server: ScriptedServer) -> None:
    """The async client does the same, and is closed in the same way."""

    async def ask() -> None:
        async with AsyncOpenAI(api_key=KEY, base_url=server.url, model="gpt-4o") as client:
            completion = await client.chat.completions.create(messages=QUESTION)
            assert type(completion) is ChatCompletion
            copy = client.with_options(context="legal")
            await copy.chat.completions.create(messages=QUESTION)
            server.default = answer({"detail": "no"}, status=401)
            with pytest.raises(openai.AuthenticationError):
                await client.chat.completions.create(messages=QUESTION)
        assert client.vectorcache.closed
        async with AsyncVectorcacheClient(KEY, server.url) as own:
            async with AsyncOpenAI(own):
                pass
            assert not own.closed

    asyncio.run(ask())
    assert server.connections == 1
