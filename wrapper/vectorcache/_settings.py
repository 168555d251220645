"""One client's settings: checked once, then read only."""

import contextlib
import hmac
import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self, TypeAlias, TypedDict
from uuid import uuid4

import attrs
import httpx

from . import _arguments as check
from ._call.circuit import CircuitBreaker
from ._call.retry import RetryPolicy
from ._llm import LLM, is_async
from ._observer import Observer, check_observers
from ._query import BeforeSend
from ._rate_limit.limiter import RateLimiter
from ._secret import QUOTATION_MARKS, APIKey, KeyFunction, KeySource, hidden
from .errors import (
    APIConnectionError,
    APIResponseError,
    ConfigurationError,
    InternalServerError,
    InvalidRequestError,
    NotCacheableError,
    VectorcacheError,
)

Errors: TypeAlias = type[VectorcacheError] | tuple[type[VectorcacheError], ...]
"""A class of ``VectorcacheError``, or a tuple of several, as ``except`` takes them."""

FALLBACK_ON: Final[tuple[type[VectorcacheError], ...]] = (
    APIConnectionError,
    APIResponseError,
    InternalServerError,
    NotCacheableError,
)
"""The errors that a client's ``fallback`` replaces by default.

They do not include the caller's own mistakes, nor rate and quota limits, which protect the budget.
"""

DEFAULT_BASE_URL: Final = "https://api.vectorcache.com"
API_KEY_VARIABLE: Final = "VECTORCACHE_API_KEY"
BASE_URL_VARIABLE: Final = "VECTORCACHE_BASE_URL"

# Objects that decide who answers, and which no other process could recognise.
OWN_OBJECTS: Final = frozenset({"api_key", "fallback", "before_send", "http_client"})


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of both clients' constructors, ``with_options`` and ``local``.

    The units and defaults are those of the constructor of ``VectorcacheClient``.
    """

    api_key: KeySource | None
    base_url: str | None
    timeout: float | httpx.Timeout | None
    deadline: float | None
    max_retries: int
    retry: RetryPolicy
    circuit_breaker: CircuitBreaker | None
    fallback: LLM | None
    fallback_on: Errors
    before_send: BeforeSend | None
    rate_limit: str | RateLimiter | None
    coalesce: bool
    observers: Sequence[Observer]
    model: str | None
    similarity_threshold: float
    context: str | None
    max_connections: int
    max_response_bytes: int
    http_client: Any
    default_headers: Mapping[str, str] | None
    allow_insecure_http: bool


def _api_key(given: object) -> APIKey | KeyFunction:
    source = "api_key" if given else API_KEY_VARIABLE
    key = hidden(given) or hidden(os.environ.get(API_KEY_VARIABLE))
    if key is None:
        raise ConfigurationError(
            f"no API key: set the environment variable {API_KEY_VARIABLE}, or pass api_key= "
            "(VectorcacheClient.local() needs none)"
        )
    flaw = key.flaw()
    if flaw:
        raise ConfigurationError(f"{source} {flaw}")
    return key


def check_base_url(value: str | None, allow_insecure_http: bool) -> str:
    """Where the service is, if not said then by the environment.

    Raises:
        ConfigurationError: it is no URL that a client could use.
    """
    source = "base_url" if value else BASE_URL_VARIABLE
    text = value or os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL
    if text[:1] in QUOTATION_MARKS or text[-1:] in QUOTATION_MARKS:
        raise ConfigurationError(
            f"{source} is in quotation marks, which are not a part of the URL: remove them (docker "
            "run --env-file keeps the quotation marks of its file)"
        )
    url = None
    with contextlib.suppress(httpx.InvalidURL, TypeError):
        url = httpx.URL(text)
    # Not raised where it was caught: httpx's frames hold the URL, and it may hold a password.
    if url is None:
        raise ConfigurationError(f"{source} is no URL: use one like {DEFAULT_BASE_URL}")
    if url.userinfo:
        # Said without the URL, which holds a password.
        raise ConfigurationError(f"{source} holds a user name or password: pass api_key= instead")
    if url.scheme not in ("https", "http") or not url.host:
        # What has "@" may hold a password, although it is not a URL with one.
        shown = "of another form" if "@" in text else repr(text)
        raise ConfigurationError(f"{source} is {shown}: use one like {DEFAULT_BASE_URL}")
    if url.port is not None and not 0 < url.port < 65_536:
        raise ConfigurationError(f"{source} is {text!r}: ports go from 1 to 65,535")
    if url.query or url.fragment:
        raise ConfigurationError(f"{source} is {text!r}: it must end with the host or a path")
    if url.scheme == "http" and not (allow_insecure_http or _is_loopback(url.host)):
        raise ConfigurationError(
            f"{source} is {text!r}: over http:// everyone on the way can read the key; use "
            "https://, or pass allow_insecure_http=True inside a network you trust"
        )
    return str(url).rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _retry_policy(value: object) -> RetryPolicy:
    if not isinstance(value, RetryPolicy):
        raise ConfigurationError("retry must be a RetryPolicy; for a number use max_retries=")
    return value


def _circuit_breaker(value: object) -> CircuitBreaker | None:
    if value is not None and not isinstance(value, CircuitBreaker):
        raise ConfigurationError("circuit_breaker must be a CircuitBreaker, or None for none")
    return value


def _rate_limiter(value: object) -> RateLimiter | None:
    if isinstance(value, str):
        return RateLimiter(value)
    if value is not None and not isinstance(value, RateLimiter):
        raise ConfigurationError(
            'rate_limit must be a text such as "100/minute" or "auto", a RateLimiter, or None'
        )
    return value


def _check_fallback(value: object) -> None:
    if value is not None and not callable(value):
        raise ConfigurationError(
            "fallback must be a function (prompt, model, context) -> str, or None"
        )


def _check_before_send(value: object) -> None:
    if (value is not None and not callable(value)) or is_async(value):
        raise ConfigurationError(
            "before_send must be a plain function (query) -> query, not async, or None"
        )


def _coalesces(value: object, key: APIKey | KeyFunction) -> bool:
    coalesces = check.check_flag("coalesce", value, ConfigurationError)
    if coalesces and isinstance(key, KeyFunction):
        raise ConfigurationError(
            "coalesce=True lets equal calls share one request, and a function as api_key may give "
            "each call another key: use one of the two"
        )
    return coalesces


def _errors(value: object) -> tuple[type[VectorcacheError], ...]:
    kinds = []
    for kind in value if isinstance(value, tuple | list) else (value,):
        if not (isinstance(kind, type) and issubclass(kind, VectorcacheError)):
            raise ConfigurationError(
                f"fallback_on has {kind!r}: it takes classes of VectorcacheError, one or a tuple"
            )
        if issubclass(kind, InvalidRequestError):
            raise ConfigurationError(
                f"fallback_on has {kind.__name__}, which is raised before the cache is asked: "
                "catch it, and call the LLM yourself"
            )
        kinds.append(kind)
    return tuple(kinds)


@attrs.frozen(kw_only=True)
class Settings:
    """What a client was told, or found in the environment."""

    api_key: APIKey | KeyFunction
    base_url: str
    timeout: float | httpx.Timeout | None
    deadline: float | None
    max_retries: int
    retry: RetryPolicy
    circuit_breaker: CircuitBreaker | None
    fallback: LLM | None
    fallback_on: tuple[type[VectorcacheError], ...]
    before_send: BeforeSend | None
    rate_limit: RateLimiter | None
    coalesce: bool
    observers: tuple[Observer, ...]
    model: str | None
    similarity_threshold: float
    context: str | None
    max_connections: int
    max_response_bytes: int
    # Values may be secrets of the caller's own proxy.
    default_headers: dict[str, str] = attrs.field(repr=False)
    allow_insecure_http: bool
    _urls: dict[str, httpx.URL] = attrs.field(factory=dict, init=False, repr=False, eq=False)

    @property
    def host(self) -> str:
        """The service's host and port, as messages name it."""
        return self.url("").netloc.decode()

    @property
    def identity(self) -> str:
        """A name for this key at this service, from which the key cannot be told.

        The keys that functions give share one.
        """
        return self.api_key.digest(self.base_url)

    def url(self, path: str) -> httpx.URL:
        """Where ``path`` is at this service; parsed once, as that costs as much as a send."""
        if path not in self._urls:
            self._urls[path] = httpx.URL(self.base_url + path)
        return self._urls[path]

    @classmethod
    def checked(cls, options: Mapping[str, Any]) -> Self:
        """Settings from a client's options, all of them given.

        Raises:
            ConfigurationError: one of them is at fault.
        """
        refuse = ConfigurationError
        key = _api_key(options["api_key"])
        _check_fallback(options["fallback"])
        _check_before_send(options["before_send"])
        model, context = options["model"], options["context"]
        insecure = check.check_flag("allow_insecure_http", options["allow_insecure_http"], refuse)
        return cls(
            api_key=key,
            base_url=check_base_url(options["base_url"], insecure),
            timeout=check.check_timeout(options["timeout"], refuse),
            deadline=check.check_seconds("deadline", options["deadline"], refuse),
            max_retries=check.check_count("max_retries", options["max_retries"], refuse, least=0),
            retry=_retry_policy(options["retry"]),
            circuit_breaker=_circuit_breaker(options["circuit_breaker"]),
            fallback=options["fallback"],
            fallback_on=_errors(options["fallback_on"]),
            before_send=options["before_send"],
            rate_limit=_rate_limiter(options["rate_limit"]),
            coalesce=_coalesces(options["coalesce"], key),
            observers=check_observers(options["observers"]),
            model=None if model is None else check.check_model(model, refuse),
            similarity_threshold=check.check_threshold(options["similarity_threshold"], refuse),
            context=None if context is None else check.check_context(context, refuse),
            max_connections=check.check_count(
                "max_connections", options["max_connections"], refuse, least=1
            ),
            max_response_bytes=check.check_count(
                "max_response_bytes", options["max_response_bytes"], refuse, least=1
            ),
            default_headers=check.check_headers(
                "default_headers", options["default_headers"], refuse
            ),
            allow_insecure_http=insecure,
        )

    def changed(self, options: ClientOptions) -> Self:
        """These settings with some of them replaced.

        Raises:
            ConfigurationError: one of them is at fault.
        """
        return self.checked({**attrs.asdict(self, recurse=False), **options})


def mark_of(settings: Settings, http_client: object) -> str:
    """A name for the client's own objects; empty where there are none.

    It is new at each call: two clients with functions of their own never count as the same one.
    """
    key = settings.api_key if isinstance(settings.api_key, KeyFunction) else None
    own = (key, settings.fallback, settings.before_send, http_client)
    return "" if all(each is None for each in own) else uuid4().hex


def identity_of(settings: Settings, mark: str) -> str:
    """64 hexadecimal digits for the service, the key, the headers and the client's own objects.

    Neither the key nor the headers can be told from it. It is the same in every process, unless
    there are objects. The defaults of a query (model, threshold, context) are not a part of it.

    Args:
        settings: the client's.
        mark: what ``mark_of`` gave the client.
    """
    decides = [
        settings.base_url,
        sorted(settings.default_headers.items()),
        sorted(kind.__qualname__ for kind in settings.fallback_on),
        mark,
    ]
    said = json.dumps(decides, separators=(",", ":"))
    return hmac.digest(settings.identity.encode(), said.encode(), "sha256").hex()
