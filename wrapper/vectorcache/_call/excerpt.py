"""Shortens untrusted text to one printable line for error messages."""

from __future__ import annotations

import re

_LONGEST = 300


def excerpt(text: str) -> str:
    """Returns the start of ``text`` on one line, without markup and control characters."""
    text = text[:4_000]
    if text.lstrip()[:1] == "<":
        from html import unescape  # Imported here, as its table of entities is large.

        text = re.sub(r"(?is)<(script|style|title)\b.*?</\1\s*>", " ", text)
        text = unescape(re.sub(r"<[^<>]*>", " ", text))
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
