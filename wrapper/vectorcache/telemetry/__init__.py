"""Telemetry: spans and metrics of OpenTelemetry for each call, and a Prometheus collector.

``OpenTelemetryObserver`` needs ``pip install 'vectorcache-python[opentelemetry]'``, which brings
OpenTelemetry's API and no more; ``PrometheusCollector`` needs
``pip install 'vectorcache-python[prometheus]'``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from .opentelemetry import OpenTelemetryObserver
    from .prometheus import PrometheusCollector

__all__ = ["OpenTelemetryObserver", "PrometheusCollector"]

# The module of each name, and the package and the extra that it needs.
_PLACES = {
    "OpenTelemetryObserver": ("opentelemetry", "opentelemetry-api", "opentelemetry"),
    "PrometheusCollector": ("prometheus", "prometheus-client", "prometheus"),
}


def __getattr__(name: str) -> Any:
    # Each class is imported when it is used, so that a user of one extra does not need the other.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, needs, extra = _PLACES[name]
    try:
        return getattr(import_module(f"{__name__}.{module}"), name)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{name} needs {needs}, which comes with the extra ({error}): "
            f"pip install 'vectorcache-python[{extra}]'"
        ) from error
