"""The answer of the cache, with the fields of the service's description."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Debug:
    """The times of a query, and the nearest stored prompt.

    Attributes:
        embedding_time_ms: milliseconds to embed the prompt; 0.0 if its exact text was found.
        search_time_ms: milliseconds to search for the exact text and for near vectors.
        total_time_ms: milliseconds of the whole query, on a miss including your ``llm``.
        matched_cache_entry_id: the UUID of the entry that answered, None on a miss.
        cache_entry_count: entries in this cache after the query, over all models and contexts.
        nearest_prompt: the stored prompt that matched; on a miss, the nearest one of the same model
            and context. None if there was no prompt to compare with, or if this prompt can only
            match its exact text.
        nearest_similarity_score: cosine similarity of the two prompts, 0 to 1; None without one.
        refused_by_lexical_guard: whether the lexical guard refused ``nearest_prompt``, which was
            near enough.
    """

    embedding_time_ms: float
    search_time_ms: float
    total_time_ms: float
    matched_cache_entry_id: str | None
    cache_entry_count: int
    nearest_prompt: str | None = None
    nearest_similarity_score: float | None = None
    refused_by_lexical_guard: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query.

    Attributes:
        cache_hit: whether a stored answer was found.
        response: the answer.
        similarity_score: cosine similarity of the two prompts, 0 to 1; None on a miss.
        cost_saved: US dollars, an estimate of what the LLM call would have cost; 0.0 on a miss,
            for placeholders and for models without a known price.
        llm_provider: ``cache`` on a hit; on a miss the provider (``openai``, ``anthropic``,
            ``google``, else ``local-llm``), or ``local-placeholder`` without an ``llm``.
        debug: timings, if they were asked for; otherwise None.
    """

    cache_hit: bool
    response: str
    similarity_score: float | None
    cost_saved: float
    llm_provider: str
    debug: Debug | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON object that the service would send."""
        fields: dict[str, Any] = {
            "cache_hit": self.cache_hit,
            "response": self.response,
            "similarity_score": self.similarity_score,
            "cost_saved": self.cost_saved,
            "llm_provider": self.llm_provider,
        }
        if self.debug is not None:
            fields["debug"] = {name: getattr(self.debug, name) for name in Debug.__slots__}
        return fields
