"""``client.chat.completions``, of either colour."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar
from uuid import uuid4

import httpx
import httpx2
from openai import NotGiven, Omit
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from ..._async_client import AsyncVectorcacheClient
from ..._response import VectorcacheResponse
from ..._sync_client import VectorcacheClient
from .._openai_messages import read_messages
from .._parameters import Parameters
from .._reply import details, text_before
from .errors import openai_errors

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
        self._url = client._settings.base_url

    def _asked(
        self, messages: object, model: str | None, given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Parameters]:
        parameters = Parameters.checked({"model": model, **_heard(given)}, self._ignore)
        context = self._client._settings.context
        return parameters.query(read_messages(messages), context), parameters

    def _completion(self, result: VectorcacheResponse, parameters: Parameters) -> ChatCompletion:
        request_id = result.meta.request_id
        completion = ChatCompletion.model_validate(
            {
                "id": f"chatcmpl-{request_id or uuid4().hex}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": parameters.options.get("model") or self._client._settings.model,
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
                "vectorcache": details(result),
            }
        )
        completion._request_id = request_id
        return completion


class Completions(AnyCompletions[VectorcacheClient]):
    """Asks the cache what an app asks ``openai.OpenAI``."""

    def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        model: str | None = None,
        **parameters: Any,
    ) -> ChatCompletion:
        """Answers a conversation's last message.

        Args:
            messages: the conversation; the last user message is the prompt, all else is a part
                of the context, as a digest.
            model: the LLM to ask on a miss. By default the client's.
            parameters: what ``openai`` takes, as far as it has a meaning here: ``stop``,
                ``timeout`` (seconds for an attempt) and ``extra_headers``. What no answer depends
                on is accepted (``user``, ``metadata``, ``n=1``), the rest is refused. And what
                ``VectorcacheClient.query`` takes: ``similarity_threshold``, ``context``,
                ``include_debug``, ``deadline``, ``max_retries``.

        Returns:
            A completion of the openai package. ``usage`` is None, as nobody counts tokens, and
            ``finish_reason`` always ``"stop"``. ``completion.vectorcache``, for type checkers
            ``completion.model_extra["vectorcache"]``, is a dictionary with ``cache_hit``,
            ``similarity_score``, ``cost_saved`` (US dollars), ``llm_provider``, ``request_id``,
            ``attempts``, ``elapsed`` (seconds) and more.

        Raises:
            openai.OpenAIError: whatever ``VectorcacheClient.query`` raises, each of its errors
                being one of the openai package, too; see ``errors`` beside this module.
        """
        with openai_errors(self._url):
            arguments, checked = self._asked(messages, model, parameters)
            return self._completion(self._client.query(**arguments), checked)


class AsyncCompletions(AnyCompletions[AsyncVectorcacheClient]):
    """Asks the cache what an app asks ``openai.AsyncOpenAI``."""

    async def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        model: str | None = None,
        **parameters: Any,
    ) -> ChatCompletion:
        """Answers a conversation's last message, as ``Completions.create`` does: see there."""
        with openai_errors(self._url):
            arguments, checked = self._asked(messages, model, parameters)
            return self._completion(await self._client.query(**arguments), checked)


def _heard(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without those that say nothing, in the types that our client takes."""
    heard = {
        name: value
        for name, value in given.items()
        if not isinstance(value, NotGiven | Omit)
        and not (name in ("extra_query", "extra_body") and not value)
    }
    if isinstance(timeout := heard.get("timeout"), httpx2.Timeout):
        heard["timeout"] = httpx.Timeout(**timeout.as_dict())
    return heard
