"""What of a foreign text is fit for a message: a short piece, on one line."""

from __future__ import annotations

import re

_LONGEST = 300


def excerpt(text: str) -> str:
    """A short piece of ``text`` on one line, without markup and control characters."""
    text = text[:4_000]
    if text.lstrip()[:1] == "<":
        from html import unescape  # Its list of entities is not worth loading for any other case.

        text = re.sub(r"(?is)<(script|style|title)\b.*?</\1\s*>", " ", text)
        text = unescape(re.sub(r"<[^<>]*>", " ", text))
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
