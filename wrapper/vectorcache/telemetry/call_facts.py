"""What spans and metrics both say of a call."""

from __future__ import annotations

from typing import Final

from opentelemetry.util.types import AttributeValue

from .. import FinishedCall, ObservedCall
from . import names

_PORTS: Final = {"http": 80, "https": 443}


def facts_of(call: ObservedCall) -> dict[str, AttributeValue]:
    """What is asked of whom, as far as a metric may say it: no prompt, no context."""
    url = call.base_url
    return {
        names.OPERATION_NAME: names.OPERATION,
        names.PROVIDER_NAME: names.PROVIDER,
        names.REQUEST_MODEL: call.query.model,
        names.SERVER_ADDRESS: url.host,
        names.SERVER_PORT: url.port or _PORTS[url.scheme],
    }


def end_of(end: FinishedCall) -> dict[str, AttributeValue]:
    """How it ended; the names of errors are those of ``client.stats.errors``."""
    if end.result is not None:
        if end.result.meta.error is not None:
            return {names.OUTCOME: names.FALLBACK}
        return {names.OUTCOME: names.HIT if end.result.cache_hit else names.MISS}
    if isinstance(end.error, Exception):
        return {names.OUTCOME: names.FAILED, names.ERROR_TYPE: type(end.error).__name__}
    # Nothing has failed where a caller gives up: OpenTelemetry's own use_span sees it so, too.
    return {names.OUTCOME: names.CANCELLED}
