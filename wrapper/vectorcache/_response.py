"""The response to a query, and how it is made of an answer of the service."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs
import httpx

from . import _generated as api
from ._headers import reset_time
from .errors import VectorcacheError


class _ReadsAsMapping(Mapping[str, Any]):
    """Lets ``result["name"]`` and ``dict(result)`` read the values of ``to_dict``."""

    __slots__ = ()

    @abstractmethod
    def to_dict(self) -> dict[str, Any]: ...

    def __getitem__(self, name: str) -> Any:
        return self.to_dict()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return len(self.to_dict())

    # Only pydantic calls these two, for example when FastAPI reads the type of a return value.
    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: Any) -> Any:
        from .integrations._pydantic import pydantic_schema

        return pydantic_schema(cls, cls.to_dict, handler.generate_schema)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        from .integrations._pydantic import json_schema

        return json_schema(cls, schema, handler)


@attrs.frozen
class DebugInfo(_ReadsAsMapping):
    """How the service found its answer; a field that the service left out is None.

    Attributes:
        embedding_time_ms: time to embed the prompt, in milliseconds.
        search_time_ms: time to search the cache, in milliseconds.
        total_time_ms: time inside the service, in milliseconds.
        matched_cache_entry_id: the id of the stored entry that answered; None on a miss.
        cache_entry_count: the number of entries in the cache.
        extra: fields that this version of the package does not know.
    """

    embedding_time_ms: float | None = None
    search_time_ms: float | None = None
    total_time_ms: float | None = None
    matched_cache_entry_id: str | None = None
    cache_entry_count: int | None = None
    extra: dict[str, Any] = attrs.field(factory=dict, hash=False, kw_only=True)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as values that JSON can hold."""
        return {
            **self.extra,
            "embedding_time_ms": self.embedding_time_ms,
            "search_time_ms": self.search_time_ms,
            "total_time_ms": self.total_time_ms,
            "matched_cache_entry_id": self.matched_cache_entry_id,
            "cache_entry_count": self.cache_entry_count,
        }


@attrs.frozen
class RateLimit:
    """The ``X-RateLimit-*`` headers of an answer; a value that they leave out is None.

    Attributes:
        limit: requests allowed per minute.
        remaining: requests left in this minute.
        reset_at: when the next minute of the limit begins, an aware datetime in UTC.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None


@attrs.frozen
class ResponseMeta:
    """How the answer was received.

    Attributes:
        status_code: the HTTP status; None if a fallback answered because the service did not.
        headers: the headers of the answer; names may be given in upper or lower case.
        request_id: the id that the service gave the request; None if it gave none.
        attempts: the number of attempts, 1 if the first succeeded; 0 if the answer is that of an
            equal call, for which this call waited with ``coalesce``.
        elapsed: seconds from the call to the answer, including all waits.
        rate_limit: the rate limit of the key; None if the answer does not name it.
        error: the error of the cache, if the fallback answered; otherwise None.
    """

    status_code: int | None = 200
    headers: httpx.Headers = attrs.field(factory=httpx.Headers, repr=False)
    request_id: str | None = None
    attempts: int = 1
    elapsed: float = 0.0
    rate_limit: RateLimit | None = None
    error: VectorcacheError | None = None


@attrs.frozen
class VectorcacheResponse(_ReadsAsMapping):
    """The answer to a query; also a mapping of the fields as the service sent them.

    Two responses are equal if all fields except ``meta`` are equal.

    Attributes:
        cache_hit: whether a stored answer was found.
        response: the answer.
        similarity_score: cosine similarity, 0 to 1, to the prompt that was found; None on a miss.
        cost_saved: US dollars that the hit saved; 0 on a miss.
        llm_provider: ``"cache"`` on a hit, ``"fallback"`` if ``fallback=`` answered, otherwise the
            name of the provider that answered.
        debug: timings, if the query had ``include_debug``; otherwise None.
        extra: fields that this version of the package does not know.
        meta: status, headers, attempts and time.
    """

    cache_hit: bool
    response: str
    similarity_score: float | None
    cost_saved: float
    llm_provider: str
    debug: DebugInfo | None = None
    extra: dict[str, Any] = attrs.field(factory=dict, hash=False, kw_only=True)
    meta: ResponseMeta = attrs.field(factory=ResponseMeta, eq=False, kw_only=True)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields except ``meta`` as values that JSON can hold."""
        fields = {
            **self.extra,
            "cache_hit": self.cache_hit,
            "response": self.response,
            "similarity_score": self.similarity_score,
            "cost_saved": self.cost_saved,
            "llm_provider": self.llm_provider,
        }
        if self.debug is not None:
            fields["debug"] = self.debug.to_dict()
        return fields


def response_from_parsed(parsed: "api.QueryResponse", meta: ResponseMeta) -> VectorcacheResponse:
    """Returns the response for a parsed answer, whose fields have been checked before."""
    return VectorcacheResponse(
        parsed.cache_hit,
        parsed.response,
        _number(parsed.similarity_score),
        float(parsed.cost_saved),
        parsed.llm_provider,
        _debug_info(parsed),
        extra=parsed.additional_properties,
        meta=meta,
    )


def rate_limit_from_headers(headers: httpx.Headers) -> RateLimit | None:
    """Returns the ``X-RateLimit-*`` headers, or None if there are none."""
    limit = _count(headers.get("x-ratelimit-limit"))
    remaining = _count(headers.get("x-ratelimit-remaining"))
    reset_at = reset_time(headers)
    if limit is None and remaining is None and reset_at is None:
        return None
    return RateLimit(limit, remaining, reset_at)


def _debug_info(parsed: "api.QueryResponse") -> DebugInfo | None:
    debug = parsed.debug
    if isinstance(debug, api.Unset):
        return None
    count = debug.cache_entry_count
    return DebugInfo(
        _number(debug.embedding_time_ms),
        _number(debug.search_time_ms),
        _number(debug.total_time_ms),
        _text(debug.matched_cache_entry_id),
        None if isinstance(count, api.Unset) else int(count),
        extra=debug.additional_properties,
    )


def _text(value: "str | api.Unset | None") -> str | None:
    return None if isinstance(value, api.Unset) else value


def _number(value: "float | api.Unset | None") -> float | None:
    # JSON has one kind of number, so that a service may write 1 for 1.0.
    return None if value is None or isinstance(value, api.Unset) else float(value)


def _count(text: str | None) -> int | None:
    # 18 digits are more than any limit has, and few enough to be read quickly.
    return int(text) if text and len(text) <= 18 and text.isascii() and text.isdigit() else None
