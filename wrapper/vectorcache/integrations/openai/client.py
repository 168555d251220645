"""``OpenAI`` and ``AsyncOpenAI``, with the part of their API that Vectorcache supports."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar, Generic, Self, Unpack, cast

from ..._async_client import AsyncVectorcacheClient
from ..._secret import hidden
from ..._settings import DEFAULT_BASE_URL, ClientOptions
from ..._sync_client import VectorcacheClient
from ...errors import ConfigurationError, InvalidRequestError
from .._parameters import checked_ignore, httpx_timeout
from .completions import AsyncCompletions, C, Completions, PartialAPI
from .errors import openai_errors


class _AnyOpenAI(PartialAPI, Generic[C]):
    """The common part of the sync and the async client."""

    _makes: ClassVar[type[Any]]

    def __init__(
        self,
        client: C | None = None,
        *,
        ignore: Iterable[str] = (),
        **options: Unpack[ClientOptions],
    ) -> None:
        """Makes a client; nothing is sent or opened yet.

        Args:
            client: your own Vectorcache client, which is not closed with this object.
            ignore: parameters that may be ignored, such as ``["temperature"]``: answers were and
                will be made without them.
            options: without ``client``, the arguments of its constructor: ``api_key``
                (Vectorcache's, by default the environment's ``VECTORCACHE_API_KEY``), ``timeout``
                (seconds, or an ``openai.Timeout``), ``max_retries``, ``model``,
                ``similarity_threshold``, ``fallback`` and all others.

        Raises:
            ConfigurationError: an option is invalid; it is also an ``openai.OpenAIError``.
        """
        with openai_errors(DEFAULT_BASE_URL):
            _hide_key(options)
            self._ignore = checked_ignore(ignore)
            if client is not None and (options or not isinstance(client, self._makes)):
                raise ConfigurationError(
                    f"{type(self).__name__} takes either one {self._makes.__name__} or the "
                    "options to make one, not both"
                )
            self._made_here = client is None
            self._client: C = (
                self._makes(**_with_httpx_timeout(options)) if client is None else client
            )

    @cached_property
    def completions(self) -> LegacyCompletions:
        """OpenAI's older completions, which are refused; LangSmith's ``wrap_openai`` needs them."""
        return LegacyCompletions()

    @property
    def vectorcache(self) -> C:
        """The client that answers; its ``stats`` count the calls."""
        return self._client

    def with_options(
        self, *, ignore: Iterable[str] | None = None, **options: Unpack[ClientOptions]
    ) -> Self:
        """Returns a copy with some options changed, which shares this client's connections.

        Args:
            ignore: parameters that may be ignored; None keeps those of this client.
            options: the arguments of the Vectorcache client to change.

        Raises:
            ConfigurationError: an option is invalid; it is also an ``openai.OpenAIError``.
        """
        with openai_errors(DEFAULT_BASE_URL):
            _hide_key(options)
            client = self._client.with_options(**_with_httpx_timeout(options))
        copy = type(self)(client, ignore=self._ignore if ignore is None else ignore)
        copy._made_here = self._made_here
        return copy

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {getattr(self, '_client', 'no client')!r}>"


class OpenAI(_AnyOpenAI[VectorcacheClient]):
    """A client that answers ``client.chat.completions.create(...)`` from the cache.

    Examples:
        >>> with OpenAI() as client:  # doctest: +SKIP
        ...     completion = client.chat.completions.create(
        ...         model="gpt-4o", messages=[{"role": "user", "content": "What is a tort?"}]
        ...     )
        ...     print(completion.choices[0].message.content, completion.vectorcache["cache_hit"])
    """

    _makes = VectorcacheClient

    @cached_property
    def chat(self) -> Chat:
        """The object with ``completions``; always the same one, so that tests can patch it."""
        return Chat(Completions(self._client, self._ignore))

    def close(self) -> None:
        """Closes the connections, unless you passed the client."""
        if self._made_here:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncOpenAI(_AnyOpenAI[AsyncVectorcacheClient]):
    """A client that answers ``await client.chat.completions.create(...)`` from the cache."""

    _makes = AsyncVectorcacheClient

    @cached_property
    def chat(self) -> AsyncChat:
        """The object with ``completions``; always the same one, so that tests can patch it."""
        return AsyncChat(AsyncCompletions(self._client, self._ignore))

    async def close(self) -> None:
        """Closes the connections, unless you passed the client."""
        if self._made_here:
            await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Chat(PartialAPI):
    """``client.chat``."""

    _place = "client.chat"

    def __init__(self, completions: Completions) -> None:
        self.completions = completions


class AsyncChat(PartialAPI):
    """``client.chat`` of the async client."""

    _place = "client.chat"

    def __init__(self, completions: AsyncCompletions) -> None:
        self.completions = completions


class LegacyCompletions(PartialAPI):
    """``client.completions``, which Vectorcache does not support."""

    _place = "client.completions"

    def create(self, *_: object, **__: object) -> None:
        """Refuses the call.

        Raises:
            InvalidRequestError: always; it is also an ``openai.BadRequestError``.
        """
        with openai_errors(DEFAULT_BASE_URL):
            raise InvalidRequestError(
                "client.completions.create() is not supported by Vectorcache: call "
                "client.chat.completions.create() with messages (nothing was sent)"
            )


def _with_httpx_timeout(options: ClientOptions) -> ClientOptions:
    if "timeout" in options:
        options["timeout"] = httpx_timeout(options["timeout"])
    return options


def _hide_key(options: ClientOptions) -> None:
    # Tracebacks of the following calls may be shown with their variables.
    key = hidden(options.pop("api_key", None))
    if key is not None:
        cast(dict[str, Any], options)["api_key"] = key
