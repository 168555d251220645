"""The settings of a client: checked when they are made, and read-only afterwards."""

import hmac
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, TypedDict, TypeVar, cast
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
from ._secret import APIKey, KeyFunction, KeySource, hidden
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
"""One class of ``VectorcacheError`` or a tuple of them, as an ``except`` clause takes them."""

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
_BASE_URL_NAMES: Final = f"base_url (or {BASE_URL_VARIABLE})"

# Options whose objects decide which answers come, and which no other process can recognise.
OWN_OBJECTS: Final = frozenset({"api_key", "fallback", "before_send", "http_client"})

T = TypeVar("T")


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


def check_base_url(value: str | None, allow_insecure_http: bool) -> str:
    """Returns the URL of the service, by default that of the environment.

    Raises:
        ConfigurationError: it is not a URL that a client can use.
    """
    url = _base_url(value)
    check.refuse_plain_http(_BASE_URL_NAMES, url, allow_insecure_http, ConfigurationError)
    return url


def _base_url(value: object) -> str:
    if value:
        return check.check_url("base_url", value, ConfigurationError)
    found = os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL
    return check.check_url(BASE_URL_VARIABLE, found, ConfigurationError)


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


def _retry_policy(value: object) -> RetryPolicy:
    if not isinstance(value, RetryPolicy):
        raise ConfigurationError(
            "retry must be a RetryPolicy; to set the number of retries, pass max_retries="
        )
    return value


def _circuit_breaker(value: object) -> CircuitBreaker | None:
    if value is not None and not isinstance(value, CircuitBreaker):
        raise ConfigurationError(
            "circuit_breaker must be a CircuitBreaker, or None to have no circuit breaker"
        )
    return value


def _rate_limiter(value: object) -> RateLimiter | None:
    if isinstance(value, str):
        return RateLimiter(value)
    if value is not None and not isinstance(value, RateLimiter):
        raise ConfigurationError(
            'rate_limit must be a string such as "100/minute" or "auto", a RateLimiter, or None'
        )
    return value


def _fallback(value: object) -> LLM | None:
    if value is not None and not callable(value):
        raise ConfigurationError(
            "fallback must be a function (prompt, model, context) -> str, or None"
        )
    return cast(LLM | None, value)


def _fallback_on(value: object) -> tuple[type[VectorcacheError], ...]:
    kinds = []
    for kind in value if isinstance(value, tuple | list) else (value,):
        if not (isinstance(kind, type) and issubclass(kind, VectorcacheError)):
            raise ConfigurationError(
                f"fallback_on has {kind!r}: pass a class of VectorcacheError, or a tuple of them"
            )
        if issubclass(kind, InvalidRequestError):
            raise ConfigurationError(
                f"fallback_on has {kind.__name__}, which is raised before the cache is asked: "
                "catch it, and call the LLM yourself"
            )
        kinds.append(kind)
    return tuple(kinds)


def _before_send(value: object) -> BeforeSend | None:
    if (value is not None and not callable(value)) or is_async(value):
        raise ConfigurationError(
            "before_send must be a plain function (query) -> query, not async, or None"
        )
    return cast(BeforeSend | None, value)


def _checked(rule: Callable[[object, check.Refusal], T]) -> T:
    # Returns a field of attrs. The declared type is that of its values: what the rule returns.
    def convert(value: object) -> T:
        return rule(value, ConfigurationError)

    return cast(T, attrs.field(converter=convert))


def _optional(rule: Callable[[object, check.Refusal], T]) -> Callable[..., T | None]:
    def convert(value: object, refuse: check.Refusal) -> T | None:
        return None if value is None else rule(value, refuse)

    return convert


# A refused option leaves an object that lacks fields, and tools that print the variables of a
# traceback ask it for its repr: that of attrs would fail. It would also show the caller's headers.
@attrs.frozen(kw_only=True, repr=False)
class Settings:
    """The options of a client, each as the client uses it.

    What is not given, and has no default in the client's constructor, comes from the environment.

    Raises:
        ConfigurationError: an option is invalid.
    """

    api_key: APIKey | KeyFunction = attrs.field(converter=_api_key)
    base_url: str = attrs.field(converter=_base_url)
    timeout: float | httpx.Timeout | None = _checked(check.check_timeout)  # noqa: RUF009 - _checked returns a field of attrs
    deadline: float | None = _checked(partial(check.check_seconds, "deadline"))
    max_retries: int = _checked(partial(check.check_count, "max_retries", least=0))
    retry: RetryPolicy = attrs.field(converter=_retry_policy)
    circuit_breaker: CircuitBreaker | None = attrs.field(converter=_circuit_breaker)
    fallback: LLM | None = attrs.field(converter=_fallback)
    fallback_on: tuple[type[VectorcacheError], ...] = attrs.field(converter=_fallback_on)
    before_send: BeforeSend | None = attrs.field(converter=_before_send)
    rate_limit: RateLimiter | None = attrs.field(converter=_rate_limiter)
    coalesce: bool = _checked(partial(check.check_flag, "coalesce"))
    observers: tuple[Observer, ...] = attrs.field(converter=check_observers)
    model: str | None = _checked(_optional(check.check_model))
    similarity_threshold: float = _checked(check.check_threshold)
    context: str | None = _checked(_optional(check.check_context))
    max_connections: int = _checked(partial(check.check_count, "max_connections", least=1))
    max_response_bytes: int = _checked(partial(check.check_count, "max_response_bytes", least=1))
    default_headers: dict[str, str] = _checked(  # noqa: RUF009 - _checked returns a field of attrs
        partial(check.check_headers, "default_headers")
    )
    allow_insecure_http: bool = _checked(partial(check.check_flag, "allow_insecure_http"))
    _urls: dict[str, httpx.URL] = attrs.field(factory=dict, init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        check.refuse_plain_http(
            _BASE_URL_NAMES, self.base_url, self.allow_insecure_http, ConfigurationError
        )
        if self.coalesce and isinstance(self.api_key, KeyFunction):
            raise ConfigurationError(
                "coalesce=True lets equal calls share one request, but a function as api_key may "
                "return another key for each call: use one of the two"
            )

    def __repr__(self) -> str:
        # A traceback may show the settings while one of them is refused, and the rest is not set.
        shown = [
            f"{field.name}={getattr(self, field.name, attrs.NOTHING)!r}"
            for field in attrs.fields(Settings)
            if field.repr
        ]
        return f"Settings({', '.join(shown)})"

    @property
    def host(self) -> str:
        """The host and port of the service, as messages name them."""
        return self.url("").netloc.decode()

    def url(self, path: str) -> httpx.URL:
        """Returns the URL of ``path``; each is parsed once, as that takes as long as sending."""
        if path not in self._urls:
            self._urls[path] = httpx.URL(self.base_url + path)
        return self._urls[path]

    @property
    def key_digest(self) -> str:
        """Names this key at this service, without showing the key.

        All keys that come from functions have the same digest.
        """
        return self.api_key.digest(self.base_url)

    def mark_own_objects(self, http_client: object) -> str:
        """Returns a new name for the options that are objects; an empty one if there are none.

        The name differs with each call, so that two clients with functions of their own never
        count as the same client.
        """
        key = self.api_key if isinstance(self.api_key, KeyFunction) else None
        own = (key, self.fallback, self.before_send, http_client)
        return "" if all(each is None for each in own) else uuid4().hex

    def identity(self, mark: str) -> str:
        """Returns 64 hexadecimal digits for the service, the key, the headers and the objects.

        Neither the key nor the headers can be read from the digits. They are the same in every
        process, unless there are objects. The defaults of a query (model, threshold, context)
        have no influence.

        Args:
            mark: what ``mark_own_objects`` returned for the client.
        """
        parts = [
            self.base_url,
            sorted(self.default_headers.items()),
            sorted(kind.__qualname__ for kind in self.fallback_on),
            mark,
        ]
        text = json.dumps(parts, separators=(",", ":"))
        return hmac.digest(self.key_digest.encode(), text.encode(), "sha256").hex()
