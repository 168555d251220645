"""The common base of both clients: their settings, and how a query becomes a call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Sized
from os import PathLike
from typing import (
    Any,
    ClassVar,
    Generic,
    Literal,
    NoReturn,
    Self,
    TypeVar,
    Unpack,
    cast,
)

import attrs
import httpx

from . import _generated
from ._arguments import check_flag
from ._batch.batch import Batch
from ._batch.progress_bar import bar_maker
from ._batch.prompts import check_batch
from ._batch.result import Progress
from ._call.call import Call
from ._call.circuit import CircuitBreaker
from ._call.client_state import OWN_CONNECTIONS, ClientState
from ._call.options import CallOptions
from ._call.retry import RetryPolicy
from ._llm import LLM, is_async
from ._local import LOCAL_KEY, Embedder, compares_parts, local_transport
from ._logging import set_up_log_from_environment
from ._observer import Observer
from ._query import BeforeSend, Query
from ._rate_limit.limiter import RateLimiter
from ._secret import KeyFunction, KeySource, hidden
from ._settings import (
    FALLBACK_ON,
    OWN_OBJECTS,
    ClientOptions,
    Errors,
    Settings,
)
from ._stats.stats import Stats
from ._transport.connections import AsyncConnections, Connections
from .errors import ConfigurationError, InvalidRequestError

C = TypeVar("C", bound=Connections | AsyncConnections)
H = TypeVar("H")


class ConfiguredClient(ABC, Generic[C, H]):
    """Holds settings and connections; the two clients add the ways to wait."""

    _awaits: ClassVar[bool]

    def __init__(
        self,
        api_key: KeySource | None = None,
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
        rate_limit: str | RateLimiter | None = None,
        coalesce: bool = False,
        observers: Sequence[Observer] = (),
        model: str | None = None,
        similarity_threshold: float = 0.85,
        context: str | None = None,
        max_connections: int = 100,
        max_response_bytes: int = 10_000_000,
        http_client: H | None = None,
        default_headers: Mapping[str, str] | None = None,
        allow_insecure_http: bool = False,
    ) -> None:
        """Makes a client. Nothing is sent or opened yet.

        Args:
            api_key: the API key; by default, the environment variable ``VECTORCACHE_API_KEY``. It
                may also be an object with ``get_secret_value()``, such as pydantic's
                ``SecretStr``, or, for keys that change, a function ``() -> str`` that is called
                before each attempt. With the async client, the function may be ``async``; a plain
                function runs on the event loop. The call's deadline does not limit it.
            base_url: the URL of the service; by default, the environment variable
                ``VECTORCACHE_BASE_URL``, or else ``https://api.vectorcache.com``.
            timeout: seconds one attempt may take; or an ``httpx.Timeout``, whose ``connect``,
                ``read`` and ``write`` limit each step and whose ``pool`` limits the wait for a
                free connection; None for no limit.
            deadline: seconds the whole call may take, including retries and waiting; None for no
                limit.
            max_retries: how many attempts may follow the first.
            retry: how long to wait between attempts.
            circuit_breaker: when to stop calling a failing service; None for never.
            fallback: ``fallback(prompt, model, context) -> str``, called when the cache cannot
                answer. Its answer is returned with ``llm_provider="fallback"`` and the error in
                ``meta.error``. With the async client, it may be ``async``; a plain function then
                runs in a thread. The call's deadline does not limit it.
            fallback_on: the classes of errors for which the fallback is called, as ``except``
                takes them. The default, ``vectorcache.FALLBACK_ON``, has connection failures
                (including timeouts and an open circuit), unusable answers, 5xx and 422.
            before_send: ``before_send(query) -> query``, which gets each ``Query`` before it is
                sent and returns it, changed or not, or raises an error to refuse it; for example
                a ``SensitiveDataFilter``. With the async client, it runs on the event loop, so it
                must not take long. The call's deadline does not limit it.
            rate_limit: how many requests may be sent, such as ``"100/minute"``; ``"auto"`` to
                follow the limit that the service reports; a ``RateLimiter`` to share a limit with
                other processes; None for no limit. Requests beyond the limit wait for their turn.
            coalesce: whether equal calls of ``query`` at the same moment share one request: the
                first sends it, and the others wait for its outcome. Each keeps its own deadline
                and cancellation. Calls are equal if their query, headers, ``timeout`` and
                ``max_retries`` are. Async calls share with those of the same event loop.
            observers: objects that are told of each call; see ``Observer``.
            model: the LLM for queries without ``model``.
            similarity_threshold: the cosine similarity, 0 to 1, from which an earlier prompt
                counts as the same, for queries without ``similarity_threshold``.
            context: the part of the cache for queries without ``context``.
            max_connections: how many queries may be in progress at once. Further queries wait,
                first come, first served.
            max_response_bytes: the largest answer that is accepted, in bytes, both as received
                and unpacked.
            http_client: your own httpx client, which you close yourself; or an httpx transport,
                which is closed with this client. Headers, cookies, parameters, auth and event
                hooks of an httpx client apply to each request; the key and ``default_headers``
                take precedence over its headers.
            default_headers: headers for every request.
            allow_insecure_http: allows ``http://`` to hosts other than this machine. The network
                can then read the key.

        Raises:
            ConfigurationError: an argument, or its environment variable, is invalid.
        """
        # The key is hidden first: a traceback of what follows may be shown with its variables.
        key = hidden(api_key)
        del api_key
        set_up_log_from_environment()
        _generated.load()
        # Each option is an argument, so that no list of them has to be kept here.
        given = {**locals(), "api_key": key}
        options = {field.name: given[field.name] for field in attrs.fields(Settings) if field.init}
        self._settings = self._accepted(Settings(**options))
        self._http_client: object = http_client
        self._mark = self._settings.mark_own_objects(http_client)
        self._borrows = False
        self._state = ClientState.new(self._settings)
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
        """Makes a client with its own semantic cache in this process: no key, no network.

        Args:
            path: the file that holds the cache; None to keep it in memory.
            llm: ``llm(prompt, model, context) -> str``, called on a miss; it may be ``async`` for
                the async client. With None, a miss is answered with a text that says so.
            embedder: an embedding model to use instead of the one that the extra installs.
            lexical_guard: whether a hit must also pass a check for opposites, different numbers
                and swapped words. The hosted service does not have this check.
            options: the keyword arguments of the constructor, except ``api_key``, ``base_url``
                and ``http_client``, which have no meaning here.

        Raises:
            ConfigurationError: the extra ``vectorcache-python[local]`` is not installed, or the
                file, ``llm`` or an option is invalid.
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
        """Returns a copy with some settings changed, by the constructor's keyword arguments.

        The copy shares the connections of this client, so closing either closes both. A copy with
        another ``base_url``, ``http_client`` or ``max_connections`` has its own connections. An
        ``http_client`` that was given to this client is closed with this client, not with the copy.

        Raises:
            ConfigurationError: a setting is invalid.
            TypeError: an option does not exist.
        """
        _hide_key(options)
        unknown = options.keys() - ClientOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"with_options() got unknown options: {', '.join(sorted(unknown))}")
        copy = object.__new__(type(self))
        names = frozenset(options)
        shares = not OWN_CONNECTIONS & names
        same_objects = not OWN_OBJECTS & names
        copy._borrows = "http_client" not in options
        copy._http_client = options.pop("http_client", self._http_client)
        changed = cast(dict[str, Any], options)
        copy._settings = self._accepted(attrs.evolve(self._settings, **changed))
        copy._mark = (
            self._mark if same_objects else copy._settings.mark_own_objects(copy._http_client)
        )
        copy._state = self._state.for_copy(copy._settings, names)
        copy._connections = self._connections if shares else copy._connect()
        return copy

    @abstractmethod
    def _connect(self) -> C:
        """Returns the connections for ``_settings`` and ``_http_client``."""

    def _accepted(self, settings: Settings) -> Settings:
        if is_async(settings.fallback) and not self._awaits:
            raise ConfigurationError(
                "fallback is an async function, which this client cannot wait for: pass a plain "
                "function, or use AsyncVectorcacheClient"
            )
        key = settings.api_key
        if isinstance(key, KeyFunction) and key.is_async and not self._awaits:
            raise ConfigurationError(
                "api_key is an async function, which this client cannot wait for: pass a plain "
                "function, or use AsyncVectorcacheClient"
            )
        return settings

    @property
    def stats(self) -> Stats:
        """The statistics of the calls of this client, and of its copies by ``with_options``.

        ``client.stats.reset()`` starts to count anew.
        """
        return self._state.recorder.snapshot()

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._connections.closed

    def _query(
        self,
        prompt: object,
        model: object,
        similarity_threshold: object,
        context: object,
        include_debug: object,
    ) -> Query:
        settings = self._settings
        return Query.checked(
            prompt,
            settings.model if model is None else model,
            settings.similarity_threshold if similarity_threshold is None else similarity_threshold,
            settings.context if context is None else context,
            include_debug,
        )

    def _batch(
        self,
        prompts: object,
        defaults: Mapping[str, Any],
        concurrency: int,
        ordered: bool,
        errors: Literal["return", "raise"],
        progress: Progress | None,
        total: int | None,
        prompt_column: str | None,
    ) -> Batch:
        check_batch(prompts, concurrency, errors, total, prompt_column, awaits=self._awaits)
        self._connections.refuse_if_closed()
        # What would be wrong for all prompts is refused here. Each prompt may name its own model.
        model = "any" if defaults["model"] is None else defaults["model"]
        self._query(**{"prompt": "any", **defaults, "model": model})

        def make_query(fields: Mapping[str, Any]) -> Query:
            own = {name: value for name, value in fields.items() if value is not None}
            own.pop("id", None)
            return self._query(**{"prompt": None, **defaults, **own})

        if total is None and isinstance(prompts, Sized):
            total = len(prompts)
        return Batch(
            make_query,
            # Further queries would only wait for a connection while their deadlines pass.
            concurrency=min(concurrency, self._settings.max_connections),
            ordered=check_flag("ordered", ordered, InvalidRequestError),
            errors=errors,
            total=total,
            make_bar=bar_maker(progress),
            prompt_column=prompt_column,
        )

    def _call(self, query: Query, options: CallOptions, *, patient: bool = False) -> Call:
        if self._settings.before_send is not None:
            query = query.screened(self._settings.before_send)
        return Call(self._settings, self._state, query, options, patient=patient)

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


# The four functions below are for the subpackages, which use no private attribute of a client.


def client_settings(client: ConfiguredClient[Any, Any]) -> Settings:
    """Returns the settings of a client."""
    return client._settings


def client_identity(client: ConfiguredClient[Any, Any]) -> str:
    """Returns hexadecimal digits by which another cache can tell clients apart.

    Two clients with equal digits ask the same service with the same key, headers and functions.
    Neither the key nor the headers can be read from the digits.
    """
    return client._settings.identity(client._mark)


def can_compare_parts(client: ConfiguredClient[Any, Any]) -> bool:
    """Returns whether the client can compare a part of a prompt: only the embedded service can."""
    return compares_parts(client._http_client)


def close_without_waiting(client: ConfiguredClient[AsyncConnections, Any]) -> None:
    """Marks an async client as closed, so that it gives no warning when it is collected.

    Each event loop then closes the connections that were opened in it.
    """
    client._connections.closed = True


def _hide_key(options: ClientOptions) -> None:
    # Tracebacks of what follows may be shown with their variables.
    if "api_key" in options:
        cast(dict[str, Any], options)["api_key"] = hidden(options["api_key"])
