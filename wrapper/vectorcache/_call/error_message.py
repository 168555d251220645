"""Builds the error that a failed call raises, with a message that explains itself."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import VectorcacheError
from .failure import Failure


def build_error(
    failure: Failure,
    *,
    attempts: int,
    elapsed: float,
    reason: str,
    earlier: Sequence[str],
    base_url: str,
) -> VectorcacheError:
    """Returns the error for the last failure of a call.

    Args:
        failure: the failure of the last attempt.
        attempts: attempts made.
        elapsed: seconds since the call began.
        reason: why the call makes no further attempt; empty if the failure itself says so.
        earlier: the texts of other attempts' failures.
        base_url: the URL of the service, for advice that names it.
    """
    facts = []
    if failure.request_id is not None:
        facts.append(f"request {failure.request_id}")
    if attempts:
        plural = "" if attempts == 1 else "s"
        facts.append(f"{attempts} attempt{plural} in {readable_time(elapsed)}")
    else:
        facts.append(f"after {readable_time(elapsed)}")
    if failure.retry_after is not None:
        facts.append(f"try again in {readable_time(failure.retry_after)}")
    if reason:
        facts.append(reason)
    if earlier:
        facts.append(f"before that: {'; '.join(earlier)}")
    message = f"{failure.text} ({', '.join(facts)})"
    if failure.advice:
        message += f"; {failure.advice.format(base_url=base_url)}"
    error = failure.error(
        message,
        status_code=failure.status_code,
        retry_after=failure.retry_after,
        request_id=failure.request_id,
        body=failure.body,
        headers=failure.headers,
        attempts=attempts,
        **failure.details,
    )
    error.__cause__ = failure.cause
    return error


def readable_time(seconds: float) -> str:
    """Returns a time as messages write it: ``0.4 ms``, ``9.5 s``, ``61 s``, ``24 h``."""
    if seconds < 1e-6:
        return "0 s"
    if seconds < 0.0995:  # From here on it would be rounded to 100 ms.
        return f"{seconds * 1_000:.2g} ms"
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3_600:.0f} h"
    return f"{seconds / 86_400:.0f} days"
