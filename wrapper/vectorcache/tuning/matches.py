"""Which earlier prompt was found for a prompt, and how near it is."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen
class Match:
    """The stored prompt that comes closest, by its place among the prompts.

    Attributes:
        index: its place, from 0.
        score: cosine similarity, 0 to 1.
        cost_saved: US dollars that being answered by it saves; None if nobody has asked yet.
    """

    index: int
    score: float
    cost_saved: float | None


@attrs.frozen
class Pair:
    """Two prompts that the service compared.

    Attributes:
        prompt: what was asked.
        matched: the earlier prompt that came closest.
        score: their cosine similarity, 0 to 1.
        same: whether their labels say that they mean the same; None without labels.
        prompt_index: the place of ``prompt`` among the prompts, from 0.
        matched_index: the place of ``matched``.
    """

    prompt: str
    matched: str
    score: float
    same: bool | None
    prompt_index: int
    matched_index: int

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-serialisable values."""
        return attrs.asdict(self)
