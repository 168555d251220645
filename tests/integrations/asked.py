"""A question to the applications, and scripted answers of the service behind them."""

from __future__ import annotations

import traceback
from typing import Any

from servers import answer

QUESTION = {"prompt": "What is ML?"}

# Longer than a client waits, so that it fails at once.
DOWN = answer(
    {"error": "service_unavailable", "message": "no db-7.internal"},
    status=503,
    headers={"Retry-After": "70"},
)
REFUSED = answer({"detail": "Invalid API key"}, status=401)

TRY_AGAIN_LATER = {
    "title": "Service Unavailable",
    "status": 503,
    "code": "try_again_later",
    "detail": "The question cannot be answered at the moment. Try again later.",
}


def with_variables(error: BaseException) -> str:
    """Returns the traceback as error trackers and debug pages show it."""
    shown: Any = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())
