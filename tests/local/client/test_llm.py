"""The local client's LLM: where answers come from on a miss, and what happens if none comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import anyio.lowlevel
import pytest
from clients import MakeClient
from local.stand_ins import Angles, Recorder

from vectorcache import (
    APITimeoutError,
    AsyncVectorcacheClient,
    ConfigurationError,
    LLMProviderError,
    RetryPolicy,
    VectorcacheClient,
)


def test_placeholder(make_local: MakeClient) -> None:
    """Without an LLM a miss says so in so many words, and its repeat hits for nothing saved."""
    client = make_local()
    miss = client.query("What is machine learning?", "gpt-4o")
    hit = client.query("What is ML?", "gpt-4o")
    assert miss.llm_provider == "local-placeholder"
    assert miss.response.startswith("No LLM is configured")
    assert "vectorcache.local.app()" in miss.response
    assert not miss.cache_hit
    assert (hit.cache_hit, hit.response, hit.cost_saved) == (True, miss.response, 0.0)


def test_placeholders_end_with_an_llm(make_local: MakeClient, path: Path, llm: Recorder) -> None:
    """What was kept without an LLM is never taken for an answer once there is one."""
    make_local(path, embedder=Angles()).query("30", "gpt-4o")
    answered = make_local(path, llm, embedder=Angles()).query("30", "gpt-4o")
    assert (answered.cache_hit, answered.response) == (False, "answer 1 to 30")


def test_it_raises(make_local: MakeClient) -> None:
    """A failing LLM is an LLMProviderError with its text, after the retries of the policy."""
    asked = []

    def llm(prompt: str, model: str, context: str | None) -> str:
        asked.append(prompt)
        raise ConnectionError("no route to the model")

    client = make_local(llm=llm, embedder=Angles())
    for options, attempts in (({}, 3), ({"max_retries": 0}, 1), ({"max_retries": 4}, 5)):
        asked.clear()
        with pytest.raises(LLMProviderError) as caught:
            client.query("30", "gpt-4o", **options)
        error = caught.value
        assert 'provider failed: "llm raised ConnectionError: no route to the model"' in str(error)
        assert error.body == {"detail": "llm raised ConnectionError: no route to the model"}
        assert (error.status_code, error.attempts, len(asked)) == (502, attempts, attempts)
        assert re.fullmatch("[0-9a-f]{32}", error.request_id or "")


def test_it_recovers(make_local: MakeClient) -> None:
    """An LLM that fails once is asked again; only its answer is kept."""
    outcomes = iter((ConnectionError("no route"), "an answer"))

    def llm(prompt: str, model: str, context: str | None) -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    client = make_local(llm=llm, embedder=Angles())
    miss = client.query("30", "gpt-4o")
    assert (miss.response, miss.cache_hit, miss.meta.attempts) == ("an answer", False, 2)
    assert client.query("30", "gpt-4o", include_debug=True).response == "an answer"


@pytest.mark.parametrize(
    ("answer", "message"), [("", "returned an empty one"), (None, "returned NoneType")]
)
def test_it_returns_no_text(make_local: MakeClient, answer: str | None, message: str) -> None:
    """An LLM that returns no text has failed, and nothing is kept."""
    client = make_local(llm=lambda *_: answer, embedder=Angles(), max_retries=0)
    for _ in range(2):
        with pytest.raises(LLMProviderError, match=message):
            client.query("30", "gpt-4o")


async def test_async_llm_and_async_client() -> None:
    """An async function is awaited on the event loop that the client is used on."""
    loops = []

    async def llm(prompt: str, model: str, context: str | None) -> str:
        loops.append(anyio.lowlevel.current_token())
        return f"{prompt} {model} {context}"

    async with AsyncVectorcacheClient.local(llm=llm, embedder=Angles()) as client:
        miss = await client.query("30", "gpt-4o", context="shop")
        assert (await client.query("30", "gpt-4o", context="shop")).cache_hit
    assert miss.response == "30 gpt-4o shop"
    assert loops == [anyio.lowlevel.current_token()]


async def test_async_llm_that_raises() -> None:
    """What an async function raises is the same LLMProviderError."""

    async def llm(prompt: str, model: str, context: str | None) -> str:
        raise ConnectionError("no route to the model")

    policy = RetryPolicy.without_waiting()
    async with AsyncVectorcacheClient.local(llm=llm, embedder=Angles(), retry=policy) as client:
        with pytest.raises(LLMProviderError, match="no route to the model") as caught:
            await client.query("30", "gpt-4o")
    assert caught.value.attempts == 3


async def test_async_llm_that_never_answers() -> None:
    """The client's timeout ends an async function, and the client goes on."""
    ended = []

    async def llm(prompt: str, model: str, context: str | None) -> str:
        try:
            if model == "stuck":
                await anyio.sleep_forever()
            return "an answer"
        finally:
            ended.append(model)

    async with AsyncVectorcacheClient.local(llm=llm, embedder=Angles()) as client:
        with pytest.raises(APITimeoutError):
            await client.query("30", "stuck", timeout=0.5, max_retries=0)
        assert (await client.query("30", "gpt-4o")).response == "an answer"
    assert ended == ["stuck", "gpt-4o"]


def test_async_llm_and_sync_client(left_open: Callable[[], int]) -> None:
    """The sync client, which cannot await it, refuses an async function at once."""

    async def llm(prompt: str, model: str, context: str | None) -> str:
        return "never"

    class Model:
        async def __call__(self, prompt: str, model: str, context: str | None) -> str:
            return "never"

    for function in (llm, Model()):
        with pytest.raises(ConfigurationError, match="use the async client"):
            VectorcacheClient.local(llm=function)
        assert left_open() == 0
