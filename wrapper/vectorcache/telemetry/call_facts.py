"""The attributes of a call that spans and metrics have in common."""

from __future__ import annotations

from typing import Final

from opentelemetry.util.types import AttributeValue

from .. import FinishedCall, ObservedCall
from . import names

_PORTS: Final = {"http": 80, "https": 443}


def call_attributes(call: ObservedCall) -> dict[str, AttributeValue]:
    """Returns the model and the service that the call asks: no prompt and no context."""
    url = call.base_url
    return {
        names.OPERATION_NAME: names.OPERATION,
        names.PROVIDER_NAME: names.PROVIDER,
        names.REQUEST_MODEL: call.query.model,
        names.SERVER_ADDRESS: url.host,
        names.SERVER_PORT: url.port or _PORTS[url.scheme],
    }


def end_attributes(end: FinishedCall) -> dict[str, AttributeValue]:
    """Returns the outcome of a call; errors have the names of ``client.stats.errors``."""
    attributes: dict[str, AttributeValue] = {names.OUTCOME: end.outcome}
    # A call that its caller gave up is not a failure; OpenTelemetry's use_span sees it so, too.
    if end.outcome == names.FAILED:
        attributes[names.ERROR_TYPE] = type(end.error).__name__
    return attributes
