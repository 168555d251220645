"""The earlier prompt that was found for a prompt, and how similar it is."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen
class Match:
    """The stored prompt that comes closest to a prompt.

    Attributes:
        index: the place of the stored prompt among the prompts, from 0.
        score: cosine similarity, 0 to 1.
        cost_saved: US dollars that an answer from this entry saves; None if not yet known.
    """

    index: int
    score: float
    cost_saved: float | None


@attrs.frozen
class Pair:
    """Two prompts that the service compared.

    Attributes:
        prompt: the later prompt.
        matched: the earlier prompt that came closest.
        score: their cosine similarity, 0 to 1.
        same: whether their labels are equal, so that they mean the same; None without labels.
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
        """Returns the fields as JSON-serialisable values."""
        return attrs.asdict(self)
