"""``client.chat.completions``, sync and async."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, TypeVar, overload
from uuid import uuid4

from openai import AsyncStream, NotGiven, Omit, Stream
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam

from ..._arguments import check_flag
from ..._async_client import AsyncVectorcacheClient
from ..._client import client_settings
from ..._response import VectorcacheResponse
from ..._sync_client import VectorcacheClient
from ...errors import InvalidRequestError
from .._openai_messages import read_messages
from .._parameters import Parameters
from .._reply import details, replayed_details, text_before
from .errors import openai_errors
from .streams import AsyncReplayedStream, ReplayedStream

C = TypeVar("C", VectorcacheClient, AsyncVectorcacheClient)


class PartialAPI:
    """A part of OpenAI's client that refuses all attributes but those defined here."""

    _place = "client"

    if not TYPE_CHECKING:  # Type checkers report missing attributes themselves.

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(
                f"{self._place}.{name} is not supported: Vectorcache answers only "
                "client.chat.completions.create(); for the rest use the client of the openai "
                "package"
            )


class AnyCompletions(PartialAPI, Generic[C]):
    """The common part of sync and async completions."""

    _place = "client.chat.completions"

    def __init__(self, client: C, ignore: frozenset[str]) -> None:
        self._client: C = client
        self._ignore = ignore
        settings = client_settings(client)
        self._url = settings.base_url
        self._context = settings.context
        self._model = settings.model

    def _query_arguments(
        self, messages: object, model: str | None, given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Parameters]:
        # The options of a stream only ask for its usage, which is unknown.
        known = {
            name: value
            for name, value in given.items()
            if not isinstance(value, NotGiven | Omit) and name != "stream_options"
        }
        parameters = Parameters.checked({"model": model, **known}, self._ignore)
        return parameters.query(read_messages(messages), self._context), parameters

    def _completion(
        self, result: VectorcacheResponse, parameters: Parameters, streams: bool
    ) -> ChatCompletion:
        request_id = result.meta.request_id
        completion = ChatCompletion.model_validate(
            {
                "id": f"chatcmpl-{request_id or uuid4().hex}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": parameters.options.get("model") or self._model,
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {
                            "role": "assistant",
                            "content": text_before(parameters.stop, result.response),
                        },
                    }
                ],
                "vectorcache": replayed_details(result) if streams else details(result),
            }
        )
        completion._request_id = request_id
        return completion


class Completions(AnyCompletions[VectorcacheClient]):
    """Answers from the cache what an app asks ``openai.OpenAI``."""

    @overload
    def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        model: str | None = None,
        stream: Literal[False] | NotGiven | Omit | None = None,
        **parameters: Any,
    ) -> ChatCompletion: ...

    @overload
    def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        model: str | None = None,
        stream: Literal[True],
        **parameters: Any,
    ) -> Stream[ChatCompletionChunk]: ...

    def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        model: str | None = None,
        stream: bool | NotGiven | Omit | None = None,
        **parameters: Any,
    ) -> ChatCompletion | Stream[ChatCompletionChunk]:
        """Answers the last message of a conversation.

        Args:
            messages: the conversation. The last user message is the prompt; all other messages
                become part of the context, as a digest. A long last message, or one with line
                breaks, is answered from the cache only if it is repeated exactly.
            model: the LLM to ask on a miss; by default the client's.
            stream: whether to return the answer as a stream, which replays a complete answer in
                pieces.
            parameters: the parameters of ``openai`` that Vectorcache supports: ``stop``,
                ``timeout`` (seconds for an attempt) and ``extra_headers``. Parameters on which no
                answer depends are accepted (``user``, ``metadata``, ``n=1``), and all others are
                refused. Also the arguments of ``VectorcacheClient.query``:
                ``similarity_threshold``, ``context``, ``include_debug``, ``deadline``,
                ``max_retries``.

        Returns:
            A completion of the openai package, or with ``stream=True`` its stream of chunks.
            ``usage`` is None, as tokens are not counted, and ``finish_reason`` is always
            ``"stop"``. ``completion.vectorcache``, for type checkers
            ``completion.model_extra["vectorcache"]``, is a dictionary with ``cache_hit``,
            ``similarity_score``, ``cost_saved`` (US dollars), ``llm_provider``, ``request_id``,
            ``attempts``, ``elapsed`` (seconds) and more. Each chunk of a stream also has this
            dictionary, with ``"replayed": True``.

        Raises:
            openai.OpenAIError: an error of ``VectorcacheClient.query``. Each of these errors is
                also an error of the openai package; see the module ``errors``.
        """
        with openai_errors(self._url):
            streams = _flag(stream)
            arguments, checked = self._query_arguments(messages, model, parameters)
            completion = self._completion(self._client.query(**arguments), checked, streams)
            return ReplayedStream(completion) if streams else completion


class AsyncCompletions(AnyCompletions[AsyncVectorcacheClient]):
    """Answers from the cache what an app asks ``openai.AsyncOpenAI``."""

    @overload
    async def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        model: str | None = None,
        stream: Literal[False] | NotGiven | Omit | None = None,
        **parameters: Any,
    ) -> ChatCompletion: ...

    @overload
    async def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        model: str | None = None,
        stream: Literal[True],
        **parameters: Any,
    ) -> AsyncStream[ChatCompletionChunk]: ...

    async def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        model: str | None = None,
        stream: bool | NotGiven | Omit | None = None,
        **parameters: Any,
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]:
        """Answers the last message of a conversation.

        Arguments, result and errors are those of ``Completions.create``.
        """
        with openai_errors(self._url):
            streams = _flag(stream)
            arguments, checked = self._query_arguments(messages, model, parameters)
            completion = self._completion(await self._client.query(**arguments), checked, streams)
            return AsyncReplayedStream(completion) if streams else completion


def _flag(stream: object) -> bool:
    if stream is None or isinstance(stream, NotGiven | Omit):
        return False
    return check_flag("stream", stream, InvalidRequestError)
