"""Turns what the generated parser made of an answer into what the user gets."""

from __future__ import annotations

import httpx

from . import _generated as api
from ._headers import reset_time
from ._response import DebugInfo, RateLimit, ResponseMeta, VectorcacheResponse


def response_of(parsed: api.QueryResponse, meta: ResponseMeta) -> VectorcacheResponse:
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


def rate_limit_of(headers: httpx.Headers) -> RateLimit | None:
    """What the ``X-RateLimit-*`` headers say; None if there are none."""
    limit = _count(headers.get("x-ratelimit-limit"))
    remaining = _count(headers.get("x-ratelimit-remaining"))
    reset_at = reset_time(headers)
    if limit is None and remaining is None and reset_at is None:
        return None
    return RateLimit(limit, remaining, reset_at)


def _debug_info(parsed: api.QueryResponse) -> DebugInfo | None:
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


def _text(value: str | api.Unset | None) -> str | None:
    return None if isinstance(value, api.Unset) else value


def _number(value: float | api.Unset | None) -> float | None:
    # JSON has one kind of number: a service may well write 1 for 1.0.
    return None if value is None or isinstance(value, api.Unset) else float(value)


def _count(text: str | None) -> int | None:
    # 18 digits: within what Python reads quickly, and beyond any limit.
    return int(text) if text and len(text) <= 18 and text.isascii() and text.isdigit() else None
