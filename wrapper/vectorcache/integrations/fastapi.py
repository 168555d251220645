"""FastAPI: the application's client as a dependency, and errors as problem details.

Install it with ``pip install 'vectorcache-python[fastapi]'``.

Examples:
    >>> from fastapi import FastAPI
    >>> from vectorcache import VectorcacheResponse
    >>> app = FastAPI(lifespan=vectorcache_lifespan(model="gpt-4o", deadline=20))
    >>> add_error_handler(app)
    >>> @app.get("/answer")
    ... async def answer(question: str, client: VectorcacheDep) -> VectorcacheResponse:
    ...     return await client.query(question)
"""

from __future__ import annotations

from importlib.util import find_spec as _find_spec
from typing import Annotated, Any, TypeAlias

if _find_spec("fastapi") is None:
    raise ModuleNotFoundError(
        "vectorcache.integrations.fastapi needs fastapi, which comes with the extra: "
        "pip install 'vectorcache-python[fastapi]'",
        name="fastapi",
    )

from fastapi import Depends
from fastapi.requests import HTTPConnection

from .. import AsyncVectorcacheClient
from ._problem import MEDIA_TYPE
from .starlette import add_error_handler, answer_error, get_client, vectorcache_lifespan

__all__ = [
    "PROBLEM_RESPONSES",
    "VectorcacheDep",
    "add_error_handler",
    "answer_error",
    "get_client",
    "vectorcache_client",
    "vectorcache_lifespan",
]


async def vectorcache_client(connection: HTTPConnection) -> AsyncVectorcacheClient:
    """Returns the application's client; tests replace it by ``app.dependency_overrides``.

    Raises:
        ConfigurationError: the application was started without ``vectorcache_lifespan``.
    """
    return get_client(connection)


VectorcacheDep: TypeAlias = Annotated[AsyncVectorcacheClient, Depends(vectorcache_client)]
"""The annotation of a route's parameter that receives the application's client."""

_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "required": ["title", "status", "code", "detail"],
}

# Without 422, because FastAPI would then leave out its own description of invalid requests.
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": _PROBLEM}},
        "headers": {
            "Retry-After": {
                "description": "Seconds after which to ask again, if that may help.",
                "schema": {"type": "integer"},
            }
        },
    }
    for status, description in (
        (502, "The service behind this one failed."),
        (503, "The question cannot be answered at the moment."),
        (504, "The service behind this one took too long."),
    )
}
"""The problem details of 502, 503 and 504, for ``responses=`` of a route, a router or an app."""
