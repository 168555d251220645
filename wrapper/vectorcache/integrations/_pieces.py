"""Cuts a complete answer into pieces, to be replayed as a stream."""

from __future__ import annotations

import unicodedata
from typing import Final

# LiteLLM fails after a hundred equal pieces in a row, as it assumes that the model repeats itself.
_MOST_PIECES: Final = 48  # Twice as many if each piece ends as early as possible.
_LEAST_CHARACTERS: Final = 8

_ZERO_WIDTH_JOINER: Final = "\u200d"
_EMOJI_MODIFIERS: Final = ("\U0001f3fb", "\U0001f3ff")


def pieces(text: str) -> list[str]:
    """Cuts a text into at most 96 pieces, which joined are exactly the text.

    A piece ends after a space or line break if there is one. A letter stays together with its
    accents, and an emoji with its modifiers.

    Returns:
        The pieces, which are never empty; an empty list for an empty text.
    """
    size = max(_LEAST_CHARACTERS, -(-len(text) // _MOST_PIECES))
    cut = []
    start = 0
    while start < len(text):
        end = _end(text, start, size)
        cut.append(text[start:end])
        start = end
    return cut


def _end(text: str, start: int, size: int) -> int:
    latest = start + size
    if latest + size >= len(text) and not any(map(str.isspace, text[latest - 1 : -1])):
        return len(text)
    shorter, longer = range(latest, start + size // 2, -1), range(latest + 1, latest + size)
    ends: tuple[int, ...] = (*shorter, *longer)
    for end in ends:
        if end < len(text) and text[end - 1].isspace() and not text[end].isspace():
            return end
    while latest < len(text) and _belong_together(text[latest - 1], text[latest]):
        latest += 1
    return latest


def _belong_together(before: str, after: str) -> bool:
    return (
        unicodedata.category(after).startswith("M")
        or _ZERO_WIDTH_JOINER in (before, after)
        or _EMOJI_MODIFIERS[0] <= after <= _EMOJI_MODIFIERS[1]
        or before + after == "\r\n"
    )
