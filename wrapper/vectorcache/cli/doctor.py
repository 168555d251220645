"""``vectorcache doctor``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import httpx
from cyclopts import Parameter

from ..errors import (
    AuthenticationError,
    ConfigurationError,
    InternalServerError,
    LLMProviderError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    VectorcacheError,
)
from .answers import summary_of
from .connection import Connection
from .exit_codes import ExitCode, UsageError
from .findings import Finding, all_well, fields_of, table_of
from .installation_check import check_key, check_versions
from .network_check import check_network
from .output import Output
from .wording import in_options

_QUESTION: Final = "What is a semantic cache? (asked by vectorcache doctor)"


def doctor(
    *,
    query: Annotated[bool, Parameter(negative="--no-query", show_default=False)] = True,
    connection: Connection = Connection(),  # noqa: B008 - it is frozen
    output: Output = Output(),  # noqa: B008
) -> ExitCode:
    """Check key, network, clock and installation, and say what to fix.

    Each line is ok, a warning, failed or skipped. The exit status is 0 if nothing failed, else 1.

    Args:
        query: Ask one test question. If it is a miss, and the first time it is, the service asks
            the LLM, which costs a fraction of a cent; --no-query leaves it out.
    """
    findings = [*check_versions()]
    why_no_query = "" if query else "--no-query"
    if not connection.local:
        # The key may be asked for, and then nothing must move on the screen.
        key = check_key(query_follows=query)
        findings.append(key)
        if key.verdict == "failed":
            why_no_query = "no usable key was found"
    with output.waiting("looking"):
        findings += _look(connection, why_no_query)
    output.drawing(fields_of(findings), lambda: table_of(findings))
    return ExitCode.OK if all_well(findings) else ExitCode.FAILED


def _look(connection: Connection, why_no_query: str) -> Iterator[Finding]:
    if connection.local:
        yield Finding("service", "ok", "the embedded one: no key, no network")
    else:
        try:
            address = connection.address
        except ConfigurationError as error:
            fix = "correct --base-url or VECTORCACHE_BASE_URL"
            yield Finding("address", "failed", in_options(str(error)), fix)
            return
        yield Finding("address", "ok", address)
        yield from check_network(httpx.URL(address))
    if why_no_query:
        yield Finding("query", "skipped", why_no_query)
    else:
        yield _check_query(connection)


def _check_query(connection: Connection) -> Finding:
    try:
        with connection.client(max_retries=0) as client:
            result = client.query(_QUESTION)
    except (VectorcacheError, UsageError) as error:
        return Finding("query", "failed", in_options(str(error)), _fix(error))
    text = summary_of(result)
    limit = result.meta.rate_limit
    if limit is not None and limit.remaining is not None and limit.limit is not None:
        text += f" · {limit.remaining:,} of {limit.limit:,} requests left this minute"
    return Finding("query", "ok", text)


def _fix(error: VectorcacheError | UsageError) -> str:
    match error:
        case AuthenticationError() | PermissionDeniedError():
            return "make a new key in the project's dashboard, and set VECTORCACHE_API_KEY to it"
        case NotFoundError():
            return "check the address in --base-url or VECTORCACHE_BASE_URL"
        case QuotaExceededError():
            return "raise the plan's quota, or wait until the month ends"
        case RateLimitError():
            return "wait a minute, and look who else uses this key"
        case LLMProviderError():
            return "check the LLM provider's key in the project's dashboard, and --model"
        case InternalServerError():
            return "try again in a while: the service itself has a problem"
    return "correct what the message names"
