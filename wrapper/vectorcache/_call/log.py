"""Writes what happens to a call to the log ``vectorcache``.

The end of a call is logged at INFO, its attempts at DEBUG. ``line`` is method and path of the
request. No message has a key or a prompt.
"""

from __future__ import annotations

import logging

from .._logging import logger
from ..errors import VectorcacheError
from .attempt import Attempt
from .failure import Failure


def failed_attempt(line: str, number: int, elapsed: float, failure: Failure) -> None:
    """Logs that the attempt with this number failed, ``elapsed`` seconds after the call began."""
    logger.debug(
        "%s: attempt %d failed after %.3f s: %s (request %s)",
        line,
        number,
        elapsed,
        failure.status_code or failure.error.__name__,
        failure.request_id or "unnamed",
    )


def next_attempt(line: str, delay: float) -> None:
    """Logs that the next attempt begins in ``delay`` seconds."""
    logger.debug("%s: next attempt in %.3f s", line, delay)


def answer(attempt: Attempt, cache_hit: bool, attempts: int, elapsed: float) -> None:
    """Logs the answer with which a call ends."""
    logger.debug("%s: attempt %d answered after %.3f s", attempt.line, attempts, elapsed)
    logger.info(
        "%s: 200 %s in %.3f s (attempts %d, request %s)",
        attempt.line,
        "hit" if cache_hit else "miss",
        elapsed,
        attempts,
        attempt.request_id or "unnamed",
    )


def error(line: str, attempts: int, elapsed: float, failure: Failure) -> None:
    """Logs the failure with which a call ends."""
    logger.info(
        "%s: %s in %.3f s (attempts %d, request %s)",
        line,
        failure.status_code or failure.error.__name__,
        elapsed,
        attempts,
        failure.request_id or "unnamed",
    )


def outcome_of_equal(elapsed: float) -> None:
    """Logs that a call got the outcome of an equal call."""
    logger.info("query: the outcome of an equal call came after %.3f s", elapsed)


def fallback(line: str, elapsed: float, cause: VectorcacheError) -> None:
    """Logs that the fallback answered instead of the service, which failed with ``cause``."""
    # A 422 is normal. Anything else is a warning, as fallbacks may be paid for without notice.
    level = logging.INFO if cause.status_code == 422 else logging.WARNING
    name = cause.status_code or type(cause).__name__
    logger.log(level, "%s: the fallback answered in %.3f s for %s", line, elapsed, name)
