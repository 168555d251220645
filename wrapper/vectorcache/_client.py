"""What the two clients share: their settings, and how a query becomes a call."""

from __future__ import annotations

import enum
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from os import PathLike
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Generic,
    NoReturn,
    Self,
    TypeVar,
    Unpack,
    cast,
)

import httpx

from . import _arguments as check
from . import _generated
from ._call import Call
from ._circuit import Circuit, CircuitBreaker
from ._connections import AsyncConnections, Connections
from ._llm import LLM, is_async
from ._local import LOCAL_KEY, local_transport
from ._logging import log_as_the_environment_says
from ._query import BeforeSend, Query
from ._retry import RetryPolicy, RetryQuota
from ._secret import hidden
from ._settings import FALLBACK_ON, ClientOptions, Errors, Settings
from ._version import __version__
from .errors import ConfigurationError, InvalidRequestError

if TYPE_CHECKING:
    from .local.embedder import Embedder

C = TypeVar("C", bound=Connections | AsyncConnections)
H = TypeVar("H")


class NotGiven(enum.Enum):
    """Tells "left out" from None, which means "no limit"."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven.NOT_GIVEN

# With another of these, a copy made by ``with_options`` opens connections of its own.
_OWN_CONNECTIONS = frozenset({"base_url", "http_client", "max_connections"})

_USER_AGENT = (
    f"vectorcache-python/{__version__} "
    f"(python {'.'.join(map(str, sys.version_info[:3]))}; httpx {httpx.__version__})"
)


class ConfiguredClient(ABC, Generic[C, H]):
    """Settings and connections, without a way to wait."""

    _awaits: ClassVar[bool]

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: float | httpx.Timeout | None = 30.0,
        deadline: float | None = 60.0,
        max_retries: int = 2,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - it is frozen
        circuit_breaker: CircuitBreaker | None = None,
        fallback: LLM | None = None,
        fallback_on: Errors = FALLBACK_ON,
        before_send: BeforeSend | None = None,
        model: str | None = None,
        similarity_threshold: float = 0.85,
        context: str | None = None,
        max_connections: int = 100,
        max_response_bytes: int = 10_000_000,
        http_client: H | None = None,
        default_headers: Mapping[str, str] | None = None,
        allow_insecure_http: bool = False,
    ) -> None:
        """Makes a client; nothing is sent or opened yet.

        Args:
            api_key: the key; by default the environment's ``VECTORCACHE_API_KEY``.
            base_url: where the service is; by default the environment's
                ``VECTORCACHE_BASE_URL``, else ``https://api.vectorcache.com``.
            timeout: seconds one attempt may take; or an ``httpx.Timeout``, whose ``connect``,
                ``read`` and ``write`` hold for each step and whose ``pool`` holds for the wait
                for a free connection; None for no limit.
            deadline: seconds the whole call may take, with its retries and all it waits for;
                None for no limit.
            max_retries: how many attempts may follow the first.
            retry: how to wait between attempts.
            circuit_breaker: when to stop trying for a while; None for never.
            fallback: ``fallback(prompt, model, context) -> str``, asked when the cache cannot
                answer; its answer is returned with ``llm_provider="fallback"`` and the error in
                ``meta.error``. With the async client it may be ``async``; a plain function then
                runs in a thread. The call's deadline does not hold for it.
            fallback_on: the errors it stands in for, as ``except`` takes them, in the place of
                the default, ``vectorcache.FALLBACK_ON``: connection failures (timeouts and an
                open circuit among them), unusable answers, 5xx and 422.
            before_send: ``before_send(query) -> query``, which sees each ``Query`` before it is
                sent and returns it, changed or not, or raises an error to refuse it; for example
                a ``SensitiveDataFilter``. With the async client it runs on the event loop: what
                takes long does not belong there. The call's deadline does not hold for it.
            model: the LLM for queries that name none.
            similarity_threshold: cosine similarity, 0 to 1, from which on an earlier prompt
                counts as the same, for queries that name none.
            context: the part of the cache for queries that name none.
            max_connections: how many queries may be under way at once; more wait their turn,
                first come, first served.
            max_response_bytes: the largest answer that is taken, also once it is unpacked.
            http_client: your own httpx client, which stays yours to close; or an httpx
                transport, which is closed with this client.
            default_headers: headers for every request.
            allow_insecure_http: allows ``http://`` to hosts other than this machine, which
                shows the key to everyone on the way.

        Raises:
            ConfigurationError: an argument, or what the environment has for it, is at fault.
        """
        # First of all: tracebacks of what follows may be shown with their variables.
        key = hidden(api_key)
        del api_key
        log_as_the_environment_says()
        _generated.load()
        self._settings = self._accepted(
            Settings.checked(
                {
                    "api_key": key,
                    "base_url": base_url,
                    "timeout": timeout,
                    "deadline": deadline,
                    "max_retries": max_retries,
                    "retry": retry,
                    "circuit_breaker": circuit_breaker,
                    "fallback": fallback,
                    "fallback_on": fallback_on,
                    "before_send": before_send,
                    "model": model,
                    "similarity_threshold": similarity_threshold,
                    "context": context,
                    "max_connections": max_connections,
                    "max_response_bytes": max_response_bytes,
                    "default_headers": default_headers,
                    "allow_insecure_http": allow_insecure_http,
                }
            )
        )
        self._http_client: object = http_client
        self._borrows = False
        self._quota = RetryQuota(self._settings.retry.quota)
        self._circuit = self._new_circuit()
        self._connections = self._connect()

    @classmethod
    def local(
        cls,
        path: str | PathLike[str] | None = None,
        llm: LLM | None = None,
        *,
        embedder: Embedder | None = None,
        lexical_guard: bool = False,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """A client with a semantic cache of its own in this process: no key, no network.

        Args:
            path: a file that keeps the cache; None for memory.
            llm: ``llm(prompt, model, context) -> str``, called on a miss; may be ``async`` for
                the async client. None answers misses with a text that says so.
            embedder: another embedding model than the one the extra brings.
            lexical_guard: whether a hit must also survive a check for antonyms, other numbers
                and swapped words; the hosted service has none.
            options: what the constructor takes by keyword, but for ``api_key``, ``base_url`` and
                ``http_client``, which have no meaning here.

        Raises:
            ConfigurationError: the extra ``vectorcache-python[local]`` is not installed, or the
                file, ``llm`` or an option is at fault.
        """
        _hide_key(options)
        transport = local_transport(path, llm, embedder, lexical_guard, options, cls._awaits)
        options = {
            **options,
            "api_key": LOCAL_KEY,
            "base_url": "http://localhost",
            "http_client": transport,
        }
        try:
            return cls(**options)
        except BaseException:
            transport.close()
            raise

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """A copy with some settings changed: it takes what the constructor takes by keyword.

        The copy shares this client's connections, so that closing either closes both. Only with
        another ``base_url``, ``http_client`` or ``max_connections`` it has its own, though it
        still leaves an ``http_client`` that it was not given itself to this client.

        Raises:
            ConfigurationError: a setting is at fault.
        """
        _hide_key(options)
        unknown = options.keys() - ClientOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"with_options() got unknown options: {', '.join(sorted(unknown))}")
        copy = object.__new__(type(self))
        shares = not _OWN_CONNECTIONS & options.keys()
        copy._borrows = "http_client" not in options
        copy._http_client = options.pop("http_client", self._http_client)
        copy._settings = self._accepted(self._settings.changed(options))
        copy._quota = RetryQuota(copy._settings.retry.quota) if "retry" in options else self._quota
        keeps = shares and "circuit_breaker" not in options
        copy._circuit = self._circuit if keeps else copy._new_circuit()
        copy._connections = self._connections if shares else copy._connect()
        return copy

    @abstractmethod
    def _connect(self) -> C:
        """The connections, for ``_settings`` and ``_http_client``."""

    def _accepted(self, settings: Settings) -> Settings:
        if is_async(settings.fallback) and not self._awaits:
            raise ConfigurationError(
                "fallback is an async function, which this client cannot wait for: pass a plain "
                "function, or use AsyncVectorcacheClient"
            )
        return settings

    def _new_circuit(self) -> Circuit | None:
        breaker = self._settings.circuit_breaker
        return None if breaker is None else Circuit(breaker, self._settings.host)

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._connections.closed

    def _call(
        self,
        prompt: str,
        model: str | None,
        similarity_threshold: float | None,
        context: str | None,
        include_debug: bool,
        timeout: float | httpx.Timeout | NotGiven | None,
        deadline: float | NotGiven | None,
        max_retries: int | NotGiven,
        extra_headers: Mapping[str, str] | None,
    ) -> Call:
        settings, refuse = self._settings, InvalidRequestError
        query = Query.checked(
            prompt,
            settings.model if model is None else model,
            settings.similarity_threshold if similarity_threshold is None else similarity_threshold,
            settings.context if context is None else context,
            include_debug,
        )
        if settings.before_send is not None:
            query = query.screened(settings.before_send)
        headers = {
            "user-agent": _USER_AGENT,
            "accept": "application/json",
            "accept-encoding": "gzip",
            **settings.default_headers,
        }
        if extra_headers:
            headers.update(check.check_headers("extra_headers", extra_headers, refuse))
        return Call(
            settings,
            self._quota,
            self._circuit,
            query,
            headers,
            timeout=(
                settings.timeout if timeout is NOT_GIVEN else check.check_timeout(timeout, refuse)
            ),
            deadline=(
                settings.deadline
                if deadline is NOT_GIVEN
                else check.check_seconds("deadline", deadline, refuse)
            ),
            max_retries=(
                settings.max_retries
                if max_retries is NOT_GIVEN
                else check.check_count("max_retries", max_retries, refuse, least=0)
            ),
        )

    def __repr__(self) -> str:
        if not hasattr(self, "_connections"):
            return f"<{type(self).__name__}, not made>"  # In a traceback that shows variables.
        state = ", closed" if self.closed else ""
        return f"<{type(self).__name__} {self._settings.base_url}{state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled or copied, as it holds a key and open "
            "connections: make one in the process that uses it, or use with_options()"
        )


def _hide_key(options: ClientOptions) -> None:
    # Tracebacks of what follows may be shown with their variables.
    if "api_key" in options:
        cast(dict[str, Any], options)["api_key"] = hidden(options["api_key"])
