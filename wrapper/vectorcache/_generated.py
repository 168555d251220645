"""What we use of the generated client, loaded when the first client is made.

It takes about as long to load as all the rest of this package, and a program that only imports
us should not wait for it.
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
    """Loads it now: a process forked while another thread is loading it could never do so."""
    for name in _MODULES:
        __getattr__(name)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(name)
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value
