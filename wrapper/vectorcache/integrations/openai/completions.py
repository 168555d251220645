"""``client.chat.completions``, of either colour."""

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


class OnlyPart:
    """A part of OpenAI's client, of which only what is written down here is there."""

    _place = "client"

    if not TYPE_CHECKING:  # Which know by themselves what is not there.

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(
                f"{self._place}.{name} is not there: Vectorcache answers "
                "client.chat.completions.create() alone; for the rest use the openai package's "
                "own client"
            )


class AnyCompletions(OnlyPart, Generic[C]):
    """What both colours decide alike."""

    _place = "client.chat.completions"

    def __init__(self, client: C, ignore: frozenset[str]) -> None:
        self._client: C = client
        self._ignore = ignore
        settings = client_settings(client)
        self._url = settings.base_url
        self._context = settings.context
        self._model = settings.model

    def _asked(
        self, messages: object, model: str | None, given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Parameters]:
        # A stream's usage is not known, like that of a completion.
        heard = {
            name: value
            for name, value in given.items()
            if not isinstance(value, NotGiven | Omit) and name != "stream_options"
        }
        parameters = Parameters.checked({"model": model, **heard}, self._ignore)
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
    """Asks the cache what an app asks ``openai.OpenAI``."""

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
        """Answers a conversation's last message.

        Args:
            messages: the conversation; the last user message is the prompt, all else is a part
                of the context, as a digest. A last message that is long, or has line ends, is
                answered from the cache only where it is repeated to the letter.
            model: the LLM to ask on a miss. By default the client's.
            stream: whether to return the answer as a stream. It is asked for as a whole, and
                then replayed in pieces.
            parameters: what ``openai`` takes, as far as it has a meaning here: ``stop``,
                ``timeout`` (seconds for an attempt) and ``extra_headers``. What no answer depends
                on is accepted (``user``, ``metadata``, ``n=1``), the rest is refused. And what
                ``VectorcacheClient.query`` takes: ``similarity_threshold``, ``context``,
                ``include_debug``, ``deadline``, ``max_retries``.

        Returns:
            A completion of the openai package; with ``stream=True`` one of its streams, of
            chunks. ``usage`` is None, as no tokens are counted, and ``finish_reason`` always
            ``"stop"``. ``completion.vectorcache``, for type checkers
            ``completion.model_extra["vectorcache"]``, is a dictionary with ``cache_hit``,
            ``similarity_score``, ``cost_saved`` (US dollars), ``llm_provider``, ``request_id``,
            ``attempts``, ``elapsed`` (seconds) and more; each chunk of a stream has it, too, and
            there it says ``"replayed": True``.

        Raises:
            openai.OpenAIError: whatever ``VectorcacheClient.query`` raises, each of its errors
                being one of the openai package, too; see ``errors`` beside this module.
        """
        with openai_errors(self._url):
            streams = _flag(stream)
            arguments, checked = self._asked(messages, model, parameters)
            completion = self._completion(self._client.query(**arguments), checked, streams)
            return ReplayedStream(completion) if streams else completion


class AsyncCompletions(AnyCompletions[AsyncVectorcacheClient]):
    """Asks the cache what an app asks ``openai.AsyncOpenAI``."""

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
        """Answers a conversation's last message, as ``Completions.create`` does: see there."""
        with openai_errors(self._url):
            streams = _flag(stream)
            arguments, checked = self._asked(messages, model, parameters)
            completion = self._completion(await self._client.query(**arguments), checked, streams)
            return AsyncReplayedStream(completion) if streams else completion


def _flag(stream: object) -> bool:
    if stream is None or isinstance(stream, NotGiven | Omit):
        return False
    return check_flag("stream", stream, InvalidRequestError)
