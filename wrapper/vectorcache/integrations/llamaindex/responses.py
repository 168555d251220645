"""Makes LlamaIndex's responses from an answer of the cache."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    MessageRole,
)

from ..._response import VectorcacheResponse
from .._parameters import Parameters
from .._pieces import pieces
from .._reply import details, replayed_details, text_before

R = TypeVar("R")


def chat_response(result: VectorcacheResponse, parameters: Parameters) -> ChatResponse:
    text = text_before(parameters.stop, result.response)
    return ChatResponse(
        message=ChatMessage(role=MessageRole.ASSISTANT, content=text),
        raw=result.to_dict(),
        additional_kwargs={"vectorcache": details(result)},
    )


def completion_response(result: VectorcacheResponse, parameters: Parameters) -> CompletionResponse:
    return CompletionResponse(
        text=text_before(parameters.stop, result.response),
        raw=result.to_dict(),
        additional_kwargs={"vectorcache": details(result)},
    )


def replayed_chat(result: VectorcacheResponse, parameters: Parameters) -> ChatResponseGen:
    for piece, so_far in _replayed(result, parameters):
        yield ChatResponse(
            message=ChatMessage(role=MessageRole.ASSISTANT, content=so_far),
            delta=piece,
            raw=result.to_dict(),
            additional_kwargs={"vectorcache": replayed_details(result)},
        )


def replayed_completion(
    result: VectorcacheResponse, parameters: Parameters
) -> CompletionResponseGen:
    for piece, so_far in _replayed(result, parameters):
        yield CompletionResponse(
            text=so_far,
            delta=piece,
            raw=result.to_dict(),
            additional_kwargs={"vectorcache": replayed_details(result)},
        )


def _replayed(result: VectorcacheResponse, parameters: Parameters) -> Iterator[tuple[str, str]]:
    text = text_before(parameters.stop, result.response)
    end = 0
    # LlamaIndex uses the last response as the whole answer, so there must be at least one.
    for piece in pieces(text) or [""]:
        end += len(piece)
        yield piece, text[:end]


async def as_async(responses: Iterable[R]) -> AsyncGenerator[R, None]:
    for response in responses:
        yield response
