"""The error that a failed call ends with, in words for somebody who was not there."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import VectorcacheError
from .failure import Failure


def error_of(
    failure: Failure,
    *,
    attempts: int,
    elapsed: float,
    reason: str,
    earlier: Sequence[str],
    base_url: str,
) -> VectorcacheError:
    """The error for a call's last failure.

    Args:
        failure: what the last attempt failed with.
        attempts: attempts made.
        elapsed: seconds since the call began.
        reason: why there is no other attempt, where that is not a matter of course.
        earlier: what other attempts failed with.
        base_url: where the service is, for advice that names it.
    """
    facts = []
    if failure.request_id is not None:
        facts.append(f"request {failure.request_id}")
    if attempts:
        plural = "" if attempts == 1 else "s"
        facts.append(f"{attempts} attempt{plural} in {in_seconds(elapsed)}")
    else:
        facts.append(f"after {in_seconds(elapsed)}")
    if failure.retry_after is not None:
        facts.append(f"try again in {in_seconds(failure.retry_after)}")
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


def in_seconds(value: float) -> str:
    """A time as messages give it."""
    return f"{value:.0f} s" if value >= 10 else f"{value:.2g} s"
