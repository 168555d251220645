"""Answers replayed as streams, by every library, in sync and async calls."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from langchain_core.messages import AIMessageChunk
from litellm.types.utils import ModelResponseStream
from llama_index.core.llms import ChatResponse
from llm.libraries import LIBRARIES, Library
from openai.types.chat import ChatCompletionChunk

from vectorcache import AsyncVectorcacheClient, VectorcacheClient

# LiteLLM warns about its own code when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")

CHUNKS: dict[str, type] = {
    "openai": ChatCompletionChunk,
    "langchain": AIMessageChunk,
    "llamaindex": ChatResponse,
    "litellm": ModelResponseStream,
}


class NoEmbedder:
    """Treats every prompt as one that it cannot embed, so that only exact repeats are found."""

    id = "none"

    def embed(self, prompt: str) -> None:
        return None


def answers() -> Iterator[str]:
    """A thousand answers with words, other scripts, accents, emoji and markup."""
    random_ = random.Random(11)
    characters = [
        *"abc xyz.\n",
        "\u0301",
        "\U0001f469\u200d\U0001f4bb",
        "\U0001f44d\U0001f3fd",
        "\u6f22",
        "<s>",
        "<|user|>",
        "data: [DONE]",
    ]
    for length in (4 * (1, 3, 9, 30, 60) for _ in range(50)):
        for each in length:
            yield "x" + "".join(random_.choices(characters, k=each))


ANSWERS = list(answers())
LONG = [
    "A sentence of some words, and then another. " * 720,
    "\u6f22" * 32_000,
    "ab " * 10_666,
    "e\u0301\U0001f44d\U0001f3fd" * 8_000,
]
ALL = [*ANSWERS, *LONG]


def numbered(prompt: str, model: str, context: str | None) -> str:
    return ALL[int(prompt)]


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Iterator[Library]:
    """A library with an embedded cache whose prompts are the numbers of these answers."""
    kind = LIBRARIES[request.param]
    options: dict[str, Any] = {"llm": numbered, "embedder": NoEmbedder(), "model": "gpt-4o"}
    with start_blocking_portal() as portal, VectorcacheClient.local(**options) as client:
        async_client = AsyncVectorcacheClient.local(**options)
        made = kind(client, async_client, portal.call)
        made.kind = request.param
        yield made
        portal.call(async_client.aclose)


def test_a_thousand_answers(library: Library) -> None:
    """Joined, the pieces of each answer are exactly the cached text."""
    # Async pieces are the same, and LiteLLM is slow.
    count = 1_000 if library.kind in ("openai", "langchain", "llamaindex") else 50
    for number, answer in enumerate(ANSWERS[:count]):
        stream = library.stream([("user", str(number))])
        assert "".join(stream.pieces).encode() == answer.encode()


@pytest.mark.parametrize("number", range(len(ANSWERS), len(ALL)))
def test_long_answers(library: Library, number: int) -> None:
    """Long answers come in many pieces, from the cache and from the LLM."""
    for hit in (False, True):
        stream = library.stream([("user", str(number))])
        assert "".join(stream.pieces).encode() == ALL[number].encode()
        assert 10 < len(stream.pieces) < 100
        assert stream.details["cache_hit"] is hit
        assert stream.details["replayed"] is True
        for chunk in stream.chunks:
            assert type(chunk) is CHUNKS[library.kind.removesuffix("-async")]


def test_an_abandoned_stream(library: Library) -> None:
    """A stream may be abandoned in the middle; the next one starts from the beginning."""
    number = len(ANSWERS)
    for most in (1, 2, 10, 30):
        stream = library.stream([("user", str(number))], most)
        assert len(stream.chunks) == most
        assert ALL[number].startswith("".join(stream.pieces))
    assert "".join(library.stream([("user", str(number))]).pieces) == ALL[number]


def test_the_whole_answer_is_the_same(library: Library) -> None:
    """Streams and plain calls share entries; only the answers of streams are marked as replayed."""
    question = [("user", str(len(ANSWERS)))]
    assert "replayed" not in library.ask(question).details
    assert library.stream(question).details["cache_hit"] is True
    assert library.ask(question).details["cache_hit"] is True
