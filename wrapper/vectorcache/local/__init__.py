"""Vectorcache in your own process: semantic caching without a key or a network.

Install it with ``pip install 'vectorcache-python[local]'``. Most people want
``vectorcache.VectorcacheClient.local()``, which is built on these parts.
"""

from importlib.util import find_spec as _find_spec
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

# Every engine needs these, so a missing one is reported here and not at the first miss.
for _name in ("numpy", "genai_prices"):
    if _find_spec(_name) is None:
        raise ModuleNotFoundError(
            f"vectorcache.local needs {_name}, which comes with the extra: "
            "pip install 'vectorcache-python[local]'",
            name=_name,
        )

from .._llm import LLM
from .answer import Answer, Debug
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

if _TYPE_CHECKING:
    from .asgi import app

__all__ = [
    "LLM",
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

Embedder.__module__ = __name__  # It is defined where nothing of this extra is needed.


def __getattr__(name: str) -> _Any:
    # Only ``app`` needs Starlette, whose names its annotations need when it is loaded.
    if name == "app":
        from .asgi import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
