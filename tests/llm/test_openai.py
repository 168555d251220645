"""Completions of OpenAI's client."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from clients import KEY
from llm.openai_clients import QUESTION, client_of
from openai.types.chat import (
    ChatCompletion,
)
from servers import MISS, ScriptedServer, answer

import vectorcache
from vectorcache import AsyncVectorcacheClient
from vectorcache.integrations.openai import AsyncOpenAI


def test_the_packages_own_types(server: ScriptedServer) -> None:
    """``create`` returns the openai package's own completion, with all fields of its type."""
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
    # Tokens are not counted, so zeros would be wrong.
    assert completion.usage is None
    assert completion.model_extra is not None
    assert completion.model_extra["vectorcache"]["cache_hit"] is False
    assert ChatCompletion.model_validate_json(completion.model_dump_json()) == completion


def test_an_answer_goes_into_the_next_question(server: ScriptedServer) -> None:
    """The message of a completion may be appended to the messages, as with openai."""
    with client_of(server, model="gpt-4o") as client:
        first = client.chat.completions.create(messages=QUESTION)
        message: Any = first.choices[0].message
        client.chat.completions.create(
            messages=[*QUESTION, message, {"role": "user", "content": "And deep learning?"}]
        )
    assert server.requests[1].json()["prompt"] == "And deep learning?"


def test_values_for_not_given(server: ScriptedServer) -> None:
    """The openai package's values for "not given" have no effect."""
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
def test_messages_with_more_than_text(server: ScriptedServer, message: Any, says: str) -> None:
    """Images and tools are refused with OpenAI's error for a bad request, and nothing is sent."""
    with client_of(server) as client, pytest.raises(openai.BadRequestError, match=says) as caught:
        client.chat.completions.create(model="gpt-4o", messages=[message, *QUESTION])
    assert isinstance(caught.value, vectorcache.InvalidRequestError)
    assert caught.value.status_code == 400
    assert caught.value.attempts == 0
    assert server.requests == []


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
    """Other fields of a request are refused; the error names the argument to use instead."""
    with client_of(server) as client, pytest.raises(openai.BadRequestError, match=says):
        client.chat.completions.create(model="gpt-4o", messages=QUESTION, **more)
    assert server.requests == []


def test_async(server: ScriptedServer) -> None:
    """The async client answers, copies, fails and closes like the sync one."""

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
