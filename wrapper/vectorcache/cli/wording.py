"""Translates messages of the clients to the words of the command line."""

from __future__ import annotations

import re
from typing import Final

# The name of an argument in messages, and the name of its option.
_OPTIONS: Final = {
    r"allow_insecure_http=True": "--allow-insecure-http",
    r"\bbase_url\b": "--base-url",
    r"\bdeadline\b(=|(?= is | must ))": "--deadline",
    r"\bmax_calls=": "--max-calls ",
    r"\bmax_llm_calls=": "--max-llm-calls ",
    r"\bmax_retries\b=?": "--max-retries",
    r"\brate_limit\b": "--rate-limit",
    r"\bsimilarity_threshold\b": "--threshold",
    r"\btimeout\b(=|(?= is | must ))": "--timeout",
}


def in_options(message: str) -> str:
    """Returns ``message`` with the names of options instead of arguments."""
    for argument, option in _OPTIONS.items():
        message = re.sub(argument, option, message)
    return message
