"""A completion replayed as the streams of the openai package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
from openai import AsyncStream, Stream
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from .._pieces import pieces


class ReplayedStream(Stream[ChatCompletionChunk]):
    """A complete answer in the chunks of an ``openai.Stream``.

    Attributes:
        response: an empty HTTP response, because openai's streams have one.
    """

    def __init__(self, completion: ChatCompletion) -> None:
        # Does not call the constructor of openai's stream, which reads from a connection.
        self.response = _response(completion)
        self._chunks = _chunks(completion)

    def __next__(self) -> ChatCompletionChunk:
        return next(self._chunks)

    def __iter__(self) -> Iterator[ChatCompletionChunk]:
        return self

    def close(self) -> None:
        """Ends the stream: no further chunks follow."""
        self._chunks = iter(())


class AsyncReplayedStream(AsyncStream[ChatCompletionChunk]):
    """A complete answer in the chunks of an ``openai.AsyncStream``."""

    def __init__(self, completion: ChatCompletion) -> None:
        self.response = _response(completion)
        self._chunks = _chunks(completion)

    async def __anext__(self) -> ChatCompletionChunk:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration

    def __aiter__(self) -> AsyncReplayedStream:
        return self

    async def close(self) -> None:
        """Ends the stream: no further chunks follow."""
        self._chunks = iter(())


def _response(completion: ChatCompletion) -> httpx2.Response:
    request_id = completion._request_id
    return httpx2.Response(200, headers={} if request_id is None else {"x-request-id": request_id})


def _chunks(completion: ChatCompletion) -> Iterator[ChatCompletionChunk]:
    yield _chunk(completion, {"role": "assistant", "content": ""})
    for piece in pieces(completion.choices[0].message.content or ""):
        yield _chunk(completion, {"content": piece})
    yield _chunk(completion, {}, finish_reason="stop")


def _chunk(
    completion: ChatCompletion, delta: dict[str, str], finish_reason: str | None = None
) -> ChatCompletionChunk:
    extra: dict[str, Any] = completion.model_extra or {}
    return ChatCompletionChunk.model_validate(
        {
            "id": completion.id,
            "object": "chat.completion.chunk",
            "created": completion.created,
            "model": completion.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
            **extra,
        }
    )
