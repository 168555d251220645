"""The parts of the generated client that this package uses, loaded with the first client.

The generated client takes about as long to load as the rest of this package, and a program that
only imports this package should not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vectorcache_api.api.cache.query_cache import asyncio_detailed, sync_detailed
    from vectorcache_api.models import QueryRequest, QueryResponse
    from vectorcache_api.types import UNSET, Unset

__all__ = [
    "UNSET",
    "QueryRequest",
    "QueryResponse",
    "Unset",
    "asyncio_detailed",
    "sync_detailed",
]

_MODULES = {
    "asyncio_detailed": "vectorcache_api.api.cache.query_cache",
    "sync_detailed": "vectorcache_api.api.cache.query_cache",
    "QueryRequest": "vectorcache_api.models",
    "QueryResponse": "vectorcache_api.models",
    "UNSET": "vectorcache_api.types",
    "Unset": "vectorcache_api.types",
}


def load() -> None:
    """Loads all parts now.

    A process that is forked while another thread imports a module can never import that module.
    """
    for name in _MODULES:
        __getattr__(name)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(name)
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value
