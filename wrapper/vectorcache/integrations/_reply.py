"""What an LLM library is told of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._response import VectorcacheResponse


def text_before(stop: Sequence[str], text: str) -> str:
    """The text up to the first of the stop sequences, which is not a part of it.

    The cache keeps answers whole: where an LLM would have stopped, they are cut here.
    """
    found = [place for place in map(text.find, stop) if place >= 0]
    return text[: min(found)] if found else text


def details(result: VectorcacheResponse) -> dict[str, Any]:
    """How the answer came, as JSON-serialisable values; under ``"vectorcache"`` everywhere.

    ``cache_hit``, ``similarity_score`` (cosine similarity, 0 to 1; None on a miss),
    ``cost_saved`` (US dollars), ``llm_provider``, ``debug`` if that was asked for, and whatever
    else the service sent; ``request_id``, ``attempts``, ``elapsed`` (seconds), and ``error``,
    which is what the cache failed with where a fallback answered, and else None.
    """
    fields = result.to_dict()
    del fields["response"]
    meta = result.meta
    return {
        **fields,
        "request_id": meta.request_id,
        "attempts": meta.attempts,
        "elapsed": meta.elapsed,
        "error": None if meta.error is None else str(meta.error),
    }


def replayed_details(result: VectorcacheResponse) -> dict[str, Any]:
    """The same for an answer that is replayed as a stream: ``replayed`` is True."""
    return {**details(result), "replayed": True}
