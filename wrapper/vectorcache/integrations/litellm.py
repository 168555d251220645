"""LiteLLM: ``VectorcacheLLM``, the handler of a custom provider.

Install it with ``pip install 'vectorcache-python[litellm]'``.

Examples:
    >>> import litellm
    >>> from vectorcache.integrations.litellm import VectorcacheLLM
    >>> litellm.custom_provider_map = [  # doctest: +SKIP
    ...     {"provider": "vectorcache", "custom_handler": VectorcacheLLM()}
    ... ]
    >>> answer = litellm.completion(  # doctest: +SKIP
    ...     "vectorcache/gpt-4o", messages=[{"role": "user", "content": "What is a tort?"}]
    ... )
    >>> print(answer._hidden_params["vectorcache"]["cache_hit"])  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec as _find_spec
from math import ceil
from typing import Any, Unpack

if _find_spec("litellm") is None:
    raise ModuleNotFoundError(
        "vectorcache.integrations.litellm needs litellm, which comes with the extra: "
        "pip install 'vectorcache-python[litellm]'",
        name="litellm",
    )

import httpx
import litellm
import openai
from litellm import exceptions
from litellm.llms.custom_llm import CustomLLM
from litellm.types.utils import GenericStreamingChunk, ModelResponse

from .. import AsyncVectorcacheClient, VectorcacheClient, errors
from .._response import VectorcacheResponse
from .._settings import DEFAULT_BASE_URL, ClientOptions
from ..errors import InvalidRequestError, VectorcacheError
from ._clients import Clients
from ._openai_messages import read_messages
from ._parameters import Parameters, checked_ignore
from ._pieces import pieces
from ._reply import details, replayed_details, text_before

__all__ = ["VectorcacheLLM"]

# LiteLLM's default timeout, for calls without one; that of a router is ten times as long.
_DEFAULT_TIMEOUT = 600.0

_KINDS: dict[type[VectorcacheError], type[openai.OpenAIError]] = {
    VectorcacheError: exceptions.APIError,
    errors.ConfigurationError: exceptions.BadRequestError,
    errors.InvalidRequestError: exceptions.BadRequestError,
    errors.APIConnectionError: exceptions.APIConnectionError,
    errors.APITimeoutError: exceptions.Timeout,
    errors.APIResponseError: exceptions.APIResponseValidationError,
    errors.BadRequestError: exceptions.BadRequestError,
    errors.AuthenticationError: exceptions.AuthenticationError,
    errors.PermissionDeniedError: exceptions.PermissionDeniedError,
    errors.NotFoundError: exceptions.NotFoundError,
    errors.NotCacheableError: exceptions.UnprocessableEntityError,
    errors.RateLimitError: exceptions.RateLimitError,
    errors.InternalServerError: exceptions.InternalServerError,
    errors.LLMProviderError: exceptions.BadGatewayError,
    errors.ServiceUnavailableError: exceptions.ServiceUnavailableError,
}


class VectorcacheLLM(CustomLLM):
    """A handler for ``litellm.custom_provider_map`` that answers from the cache.

    The last user message is the prompt. The system message and earlier turns become part of the
    context, as a digest, so an LLM that is asked on a miss sees only the prompt.

    ``_hidden_params["vectorcache"]`` of an answer is a dictionary with ``cache_hit``,
    ``similarity_score``, ``cost_saved`` (US dollars), ``llm_provider``, ``request_id``,
    ``attempts``, ``elapsed`` (seconds) and more. ``usage`` keeps LiteLLM's zeros, as
    tokens are not counted.

    ``litellm.completion`` takes ``stop``, ``timeout`` (seconds for an attempt), ``max_retries``,
    ``extra_headers`` and the arguments of ``VectorcacheClient.query``. A parameter that the service
    does not support is refused with LiteLLM's ``UnsupportedParamsError``. Parameters such as
    ``temperature`` are ignored if ``ignore`` names them, or by LiteLLM's own ``drop_params`` and
    ``additional_drop_params``.

    Errors are LiteLLM's, and their ``__cause__`` is the error of this package. They tell a
    ``litellm.Router`` not to retry, as the client has retried already.
    """

    def __init__(
        self,
        client: VectorcacheClient | None = None,
        async_client: AsyncVectorcacheClient | None = None,
        *,
        ignore: Iterable[str] = (),
        **options: Unpack[ClientOptions],
    ) -> None:
        """Makes a handler; nothing is sent or opened yet.

        Args:
            client: your own client, which is not closed with this object.
            async_client: your own client for ``litellm.acompletion``; without it, ``client`` is
                asked in a thread.
            ignore: parameters that may be ignored, such as ``["temperature"]``: answers were and
                will be made without them.
            options: without a client, the arguments of its constructor, such as ``api_key`` (by
                default the environment's ``VECTORCACHE_API_KEY``), ``context`` and ``deadline``.

        Raises:
            ConfigurationError: an option is invalid, or there is no key.
        """
        super().__init__()
        self._clients = Clients.given_or_made(client, async_client, options)
        self._ignore = checked_ignore(ignore)

    def completion(self, *_: Any, **call: Any) -> ModelResponse:
        """Answers the last message of a conversation; LiteLLM calls it."""
        with _litellm_errors(call["model"]):
            arguments, parameters = self._query_arguments(call)
            return _fill_response(call, self._clients.query(arguments), parameters)

    async def acompletion(self, *_: Any, **call: Any) -> ModelResponse:
        """Answers the last message of a conversation; LiteLLM calls it."""
        with _litellm_errors(call["model"]):
            arguments, parameters = self._query_arguments(call)
            return _fill_response(call, await self._clients.aquery(arguments), parameters)

    def streaming(self, *_: Any, **call: Any) -> Iterator[GenericStreamingChunk]:
        """Answers as ``completion`` does, and replays the answer; LiteLLM calls it."""
        with _litellm_errors(call["model"]):
            arguments, parameters = self._query_arguments(call)
            return _replayed(self._clients.query(arguments), parameters)

    # Not async, although LiteLLM's type is: LiteLLM uses the returned object as the stream.
    def astreaming(self, *_: Any, **call: Any) -> Any:
        """Answers as ``acompletion`` does, and replays the answer; LiteLLM calls it."""
        with _litellm_errors(call["model"]):
            return self._areplayed(call["model"], *self._query_arguments(call))

    async def _areplayed(
        self, model: str, arguments: dict[str, Any], parameters: Parameters
    ) -> AsyncIterator[GenericStreamingChunk]:
        with _litellm_errors(model):
            result = await self._clients.aquery(arguments)
        for chunk in _replayed(result, parameters):
            yield chunk

    def close(self) -> None:
        """Closes the connections of ``completion``, unless you passed the client."""
        self._clients.close()

    async def aclose(self) -> None:
        """Closes all connections, unless you passed the clients."""
        await self._clients.aclose()

    def _query_arguments(self, call: Mapping[str, Any]) -> tuple[dict[str, Any], Parameters]:
        for name in ("api_key", "api_base"):
            if call[name] is not None:
                raise InvalidRequestError(
                    f"{name} was passed to the call, which cannot choose the service: pass it to "
                    "VectorcacheLLM (nothing was sent)"
                )
        given = {"model": call["model"], **call["optional_params"]}
        # LiteLLM has chosen the method by ``stream``; the options only ask for token counts.
        given.pop("stream", None)
        given.pop("stream_options", None)
        if call["headers"]:
            given["extra_headers"] = call["headers"]
        timeout = call["timeout"]
        if not isinstance(timeout, int | float) or timeout < _DEFAULT_TIMEOUT:
            given["timeout"] = timeout
        _refuse_options_that_the_cache_of_litellm_ignores(given)
        settings = call["litellm_params"]
        metadata = (settings.get("metadata"), settings.get("litellm_metadata"))
        if any("model_group" in (fields or {}) for fields in metadata):
            # A router passes the number of its own retries, but the client makes all retries.
            given.pop("max_retries", None)
        drops = litellm.drop_params or settings.get("drop_params")
        try:
            parameters = Parameters.checked(given, given.keys() if drops else self._ignore)
        except InvalidRequestError as error:
            raise _unsupported_error(call["model"], str(error)) from error
        context = self._clients.settings.context
        return parameters.query(read_messages(call["messages"]), context), parameters


def _refuse_options_that_the_cache_of_litellm_ignores(given: Mapping[str, Any]) -> None:
    if litellm.cache is None or litellm.enable_caching_on_provider_specific_optional_params:
        return
    for name in ("context", "similarity_threshold"):
        if given.get(name) is not None:
            raise InvalidRequestError(
                f"{name} was passed to the call, and litellm.cache would use its answer for calls "
                f"with another {name}: set "
                "litellm.enable_caching_on_provider_specific_optional_params = True, or pass "
                f"{name} to VectorcacheLLM (nothing was sent)"
            )


def _fill_response(
    call: Mapping[str, Any], result: VectorcacheResponse, parameters: Parameters
) -> ModelResponse:
    answer: ModelResponse = call["model_response"]
    answer.model = call["model"]
    answer.choices[0].message.content = text_before(parameters.stop, result.response)
    answer._hidden_params["vectorcache"] = details(result)
    return answer


def _replayed(
    result: VectorcacheResponse, parameters: Parameters
) -> Iterator[GenericStreamingChunk]:
    for piece in pieces(text_before(parameters.stop, result.response)):
        yield _chunk(piece)
    yield _chunk("", "stop", {"vectorcache": replayed_details(result)})


def _chunk(
    text: str, finish_reason: str = "", fields: dict[str, Any] | None = None
) -> GenericStreamingChunk:
    return GenericStreamingChunk(
        text=text,
        tool_use=None,
        is_finished=bool(finish_reason),
        finish_reason=finish_reason,
        usage=None,
        index=0,
        provider_specific_fields=fields,
    )


@contextmanager
def _litellm_errors(model: str) -> Iterator[None]:
    try:
        yield
    except VectorcacheError as error:
        raise _litellm_error(error, model) from error


def _litellm_error(error: VectorcacheError, model: str) -> Exception:
    kind = next(_KINDS[base] for base in type(error).__mro__ if base in _KINDS)
    more: dict[str, Any] = {}
    if issubclass(kind, openai.APIStatusError):
        headers = {} if error.retry_after is None else {"retry-after": str(ceil(error.retry_after))}
        more["response"] = httpx.Response(
            error.status_code or 400,
            headers=headers,
            request=httpx.Request("POST", DEFAULT_BASE_URL),
        )
    if kind is exceptions.APIError:
        more["status_code"] = error.status_code or 500
    return _build_error(kind, model, str(error), **more)


def _unsupported_error(model: str, message: str) -> Exception:
    return _build_error(exceptions.UnsupportedParamsError, model, message)


def _build_error(kind: Any, model: str, message: str, **more: Any) -> Exception:
    # A router makes no retries for an error that has a number of retries.
    named = {"message": message, "model": model, "llm_provider": "vectorcache"}
    made: Exception = kind(**named, num_retries=0, **more)
    return made
