"""The text and the metadata of an answer, for an LLM library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._response import VectorcacheResponse


def text_before(stop: Sequence[str], text: str) -> str:
    """Returns the text before the first stop sequence.

    The cache keeps whole answers, so they are cut here where an LLM would have stopped.
    """
    found = [place for place in map(text.find, stop) if place >= 0]
    return text[: min(found)] if found else text


def details(result: VectorcacheResponse) -> dict[str, Any]:
    """Returns the metadata of an answer as JSON-serialisable values.

    Each library shows them under the name ``"vectorcache"``. They are ``cache_hit``,
    ``similarity_score`` (cosine similarity, 0 to 1; None on a miss), ``cost_saved`` (US dollars),
    ``llm_provider``, ``debug`` if it was asked for, all other fields that the service sent,
    ``request_id``, ``attempts``, ``elapsed`` (seconds), and ``error``: the error of the cache if a
    fallback answered, else None.
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
    """Returns the metadata of an answer that is replayed as a stream: ``replayed`` is True."""
    return {**details(result), "replayed": True}
