"""Streams of OpenAI's client, which replay a complete answer."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from clients import KEY
from llm.openai_clients import QUESTION, client_of
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
)
from servers import MISS, ScriptedServer, answer

from vectorcache.integrations.openai import AsyncOpenAI, OpenAI


@pytest.mark.parametrize("kind", [OpenAI, AsyncOpenAI])
def test_a_stream(server: ScriptedServer, kind: type[Any]) -> None:
    """``stream=True`` returns one of openai's streams, with chunks like those of OpenAI."""
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
    """A stream that is closed yields no further chunks."""
    with client_of(server, model="gpt-4o") as client:
        stream = client.chat.completions.create(messages=QUESTION, stream=True)
        assert next(stream).choices
        stream.close()
        assert list(stream) == []


def test_whether_to_stream(server: ScriptedServer) -> None:
    """``stream`` is True, False or not given; other values are refused, and nothing is sent."""
    with client_of(server, model="gpt-4o") as client:
        for no in (False, None, openai.omit, openai.NOT_GIVEN):
            completion = client.chat.completions.create(messages=QUESTION, stream=no)
            assert type(completion) is ChatCompletion
        assert len(server.requests) == 4
        yes: Any = "yes"
        with pytest.raises(openai.BadRequestError, match="stream is of type str"):
            client.chat.completions.create(messages=QUESTION, stream=yes)
    assert len(server.requests) == 4
