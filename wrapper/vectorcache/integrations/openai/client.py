"""``OpenAI`` and ``AsyncOpenAI``, as far as Vectorcache can stand in for them."""

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
from .completions import AsyncCompletions, C, Completions, OnlyPart
from .errors import openai_errors


class _AnyOpenAI(OnlyPart, Generic[C]):
    """What both colours decide alike."""

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
            client: a Vectorcache client of your own, which stays yours to close.
            ignore: parameters that may be left unheard, such as ``["temperature"]``: answers
                were and will be made without them.
            options: without ``client``, what its constructor takes: ``api_key`` (Vectorcache's,
                by default the environment's ``VECTORCACHE_API_KEY``), ``timeout`` (seconds, or an
                ``openai.Timeout``), ``max_retries``, ``model``, ``similarity_threshold``,
                ``fallback`` and all else.

        Raises:
            ConfigurationError: an option is at fault; an ``openai.OpenAIError``, too.
        """
        with openai_errors(DEFAULT_BASE_URL):
            _hide_key(options)
            self._ignore = checked_ignore(ignore)
            if client is not None and (options or not isinstance(client, self._makes)):
                raise ConfigurationError(
                    f"{type(self).__name__} takes either one {self._makes.__name__} or the "
                    "options to make one"
                )
            self._made_here = client is None
            self._client: C = self._makes(**_known(options)) if client is None else client

    @cached_property
    def completions(self) -> LegacyCompletions:
        """OpenAI's older completions, which are refused; ``wrap_openai`` looks for them."""
        return LegacyCompletions()

    @property
    def vectorcache(self) -> C:
        """The client that is asked: its ``stats`` count the calls."""
        return self._client

    def with_options(
        self, *, ignore: Iterable[str] | None = None, **options: Unpack[ClientOptions]
    ) -> Self:
        """A copy with some options changed, which shares this client's connections.

        Raises:
            ConfigurationError: an option is at fault; an ``openai.OpenAIError``, too.
        """
        with openai_errors(DEFAULT_BASE_URL):
            _hide_key(options)
            client = self._client.with_options(**_known(options))
        copy = type(self)(client, ignore=self._ignore if ignore is None else ignore)
        copy._made_here = self._made_here
        return copy

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {getattr(self, '_client', 'no client')!r}>"


class OpenAI(_AnyOpenAI[VectorcacheClient]):
    """Answers ``client.chat.completions.create(...)`` from the cache; nothing else is there.

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
        """Where ``completions`` are: the same object each time, so that they can be patched."""
        return Chat(Completions(self._client, self._ignore))

    def close(self) -> None:
        """Closes the connections, unless the client was given."""
        if self._made_here:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncOpenAI(_AnyOpenAI[AsyncVectorcacheClient]):
    """Answers ``await client.chat.completions.create(...)`` from the cache, as ``OpenAI`` does."""

    _makes = AsyncVectorcacheClient

    @cached_property
    def chat(self) -> AsyncChat:
        """Where ``completions`` are: the same object each time, so that they can be patched."""
        return AsyncChat(AsyncCompletions(self._client, self._ignore))

    async def close(self) -> None:
        """Closes the connections, unless the client was given."""
        if self._made_here:
            await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Chat(OnlyPart):
    """``client.chat``."""

    _place = "client.chat"

    def __init__(self, completions: Completions) -> None:
        self.completions = completions


class AsyncChat(OnlyPart):
    """``client.chat`` of the async client."""

    _place = "client.chat"

    def __init__(self, completions: AsyncCompletions) -> None:
        self.completions = completions


class LegacyCompletions(OnlyPart):
    """``client.completions``, which Vectorcache does not answer."""

    _place = "client.completions"

    def create(self, *_: object, **__: object) -> None:
        """Refused.

        Raises:
            InvalidRequestError: always; an ``openai.BadRequestError``, too.
        """
        with openai_errors(DEFAULT_BASE_URL):
            raise InvalidRequestError(
                "client.completions.create() is not answered by Vectorcache: use "
                "client.chat.completions.create() with messages (nothing was sent)"
            )


def _known(options: ClientOptions) -> ClientOptions:
    # What our client takes, of what OpenAI's takes.
    if "timeout" in options:
        options["timeout"] = httpx_timeout(options["timeout"])
    return options


def _hide_key(options: ClientOptions) -> None:
    # Tracebacks of what follows may be shown with their variables.
    key = hidden(options.pop("api_key", None))
    if key is not None:
        cast(dict[str, Any], options)["api_key"] = key
