"""What a query returns."""

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
    """Makes ``result["name"]`` and ``dict(result)`` read what ``to_dict`` gives."""

    __slots__ = ()

    @abstractmethod
    def to_dict(self) -> dict[str, Any]: ...

    def __getitem__(self, name: str) -> Any:
        return self.to_dict()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return len(self.to_dict())

    # Called by pydantic, and so by FastAPI for a return annotation; nothing else needs these two.
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
    """How the service came to its answer; fields it left out are None.

    Attributes:
        embedding_time_ms: time to embed the prompt, in milliseconds.
        search_time_ms: time to search the cache, in milliseconds.
        total_time_ms: time inside the service, in milliseconds.
        matched_cache_entry_id: the entry that answered; None on a miss.
        cache_entry_count: entries in the cache.
        extra: fields that this version does not know.
    """

    embedding_time_ms: float | None = None
    search_time_ms: float | None = None
    total_time_ms: float | None = None
    matched_cache_entry_id: str | None = None
    cache_entry_count: int | None = None
    extra: dict[str, Any] = attrs.field(factory=dict, hash=False, kw_only=True)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-serialisable values."""
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
    """What the answer's ``X-RateLimit-*`` headers say; None for what they leave out.

    Attributes:
        limit: requests allowed a minute.
        remaining: requests left in this minute.
        reset_at: when the count starts anew, an aware datetime in UTC.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None


@attrs.frozen
class ResponseMeta:
    """How the answer came.

    Attributes:
        status_code: the HTTP status; None where a fallback stands in for no answer at all.
        headers: the answer's headers; names in any case.
        request_id: the service's name for the request; None if it gave none.
        attempts: attempts made, 1 where the first was answered; 0 where the answer is that of an
            equal call, which ``coalesce`` lets this call wait for.
        elapsed: seconds from the call to the answer, waits included.
        rate_limit: what is left of the key's rate limit; None if the answer does not say.
        error: what the cache failed with, where the answer is the fallback's; else None.
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

    Two are equal if they say the same; ``meta``, how they came, does not count.

    Attributes:
        cache_hit: whether a stored answer was found.
        response: the answer.
        similarity_score: cosine similarity, 0 to 1, to the prompt that was found; None on a miss.
        cost_saved: US dollars that the hit saved; 0 on a miss.
        llm_provider: ``"cache"`` on a hit, ``"fallback"`` where ``fallback=`` answered, else the
            provider that answered.
        debug: timings, if ``include_debug`` asked for them.
        extra: fields that this version does not know.
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
        """The answer as JSON-serialisable values: all fields but ``meta``."""
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
    """The answer, whose fields have been checked before."""
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
    """What the ``X-RateLimit-*`` headers say; None if there are none."""
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
    # JSON has one kind of number: a service may well write 1 for 1.0.
    return None if value is None or isinstance(value, api.Unset) else float(value)


def _count(text: str | None) -> int | None:
    # 18 digits: within what Python reads quickly, and beyond any limit.
    return int(text) if text and len(text) <= 18 and text.isascii() and text.isdigit() else None
