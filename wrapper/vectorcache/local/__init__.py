"""Vectorcache in your own process: real semantic caching with no key and no network.

Install it with ``pip install 'vectorcache-python[local]'``. Most people want
``vectorcache.VectorcacheClient.local()``; this is what it is made of.
"""

try:
    import numpy as _numpy  # noqa: F401
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        f"vectorcache.local needs {missing.name}, which comes with the extra: "
        "pip install 'vectorcache-python[local]'",
        name=missing.name,
    ) from missing

from .answer import Answer, Debug
from .asgi import app
from .embedder import Embedder
from .engine import Engine
from .errors import (
    CacheFileError,
    EmbedderError,
    EngineClosedError,
    LLMError,
    LocalCacheError,
)
from .minilm import MiniLM
from .transport import LocalTransport

__all__ = [
    "Answer",
    "CacheFileError",
    "Debug",
    "Embedder",
    "EmbedderError",
    "Engine",
    "EngineClosedError",
    "LLMError",
    "LocalCacheError",
    "LocalTransport",
    "MiniLM",
    "app",
]
