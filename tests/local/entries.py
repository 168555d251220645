"""Writes the entries of a cache file that tests read."""

from vectorcache.local.embedder import Vector
from vectorcache.local.store import Store


def add(
    store: Store,
    prompt: str,
    response: str = "answer",
    model: str = "m",
    context: str = "",
    *,
    placeholder: bool = False,
    embedder: str | None = "e",
    vector: Vector | None = None,
) -> None:
    store.add(
        prompt,
        model,
        context,
        response,
        cost_usd=0.25,
        placeholder=placeholder,
        embedder=embedder,
        vector=vector,
    )
