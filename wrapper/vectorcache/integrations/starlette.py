"""Starlette and frameworks built on it: a client that lives as long as the application.

This module needs Starlette. For FastAPI, see ``vectorcache.integrations.fastapi``.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec as _find_spec
from os import PathLike
from typing import Any, Unpack, cast

if _find_spec("starlette") is None:
    raise ModuleNotFoundError(
        "vectorcache.integrations.starlette needs starlette: pip install starlette, or "
        "pip install 'vectorcache-python[fastapi]'",
        name="starlette",
    )

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Lifespan
from starlette.websockets import WebSocket

from .. import AsyncVectorcacheClient
from .._llm import LLM
from .._secret import hidden
from .._settings import ClientOptions
from ..errors import ConfigurationError, VectorcacheError
from ._options import OPTIONS, check_names, make_client, refuse_without_local
from ._problem import MEDIA_TYPE, Problem

__all__ = ["add_error_handler", "answer_error", "get_client", "vectorcache_lifespan"]

# Not a child of the ``vectorcache`` logger, which is silent unless logging is configured: the
# errors of an application must show even then.
_logger = logging.getLogger("starlette.vectorcache")

_NAME = "vectorcache"


def vectorcache_lifespan(
    own: Lifespan[Any] | None = None,
    /,
    *,
    local: bool = False,
    llm: LLM | None = None,
    path: str | PathLike[str] | None = None,
    **options: Unpack[ClientOptions],
) -> Lifespan[Any]:
    """Returns a lifespan that makes a client when the application starts and closes it at its end.

    The client is ``request.state.vectorcache``, in mounted applications as well, and
    ``app.state.vectorcache``. Starlette never runs the lifespan of a mounted application, so pass
    this one to the outermost application.

    Args:
        own: the application's own lifespan, which runs within this one. It finds the client at
            ``app.state.vectorcache``, and the state that it yields is the state of requests, as
            usual.
        local: whether the client has an embedded cache, without key and network, as
            ``AsyncVectorcacheClient.local`` makes it.
        llm: with ``local``, a sync or async function ``llm(prompt, model, context) -> str`` that
            answers misses; with None, a miss is answered with a text that says so.
        path: with ``local``, a file that keeps the cache; None for memory.
        options: keyword arguments of ``AsyncVectorcacheClient``. The environment is read when the
            application starts.

    Raises:
        ConfigurationError: an option is unknown, or ``llm`` or ``path`` is given without ``local``.
            The application raises it at its start if an option is invalid or the key is missing.

    Examples:
        >>> from starlette.applications import Starlette
        >>> app = Starlette(lifespan=vectorcache_lifespan(model="gpt-4o", deadline=20))
    """
    if "api_key" in options:
        # Tracebacks of the following calls may be shown with their variables.
        cast(dict[str, Any], options)["api_key"] = hidden(options["api_key"])
    check_names(options, OPTIONS)
    embedded = {"local": local, "llm": llm, "path": path}
    refuse_without_local(embedded)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with make_client(AsyncVectorcacheClient, {**options, **embedded}) as client:
            app.state.vectorcache = client
            if own is None:
                yield {_NAME: client}
                return
            inner = cast(AbstractAsyncContextManager[Any], own(app))
            async with inner as state:
                yield {**(state or {}), _NAME: client}

    return lifespan


def get_client(connection: HTTPConnection) -> AsyncVectorcacheClient:
    """Returns the application's client, for a request or a WebSocket.

    Raises:
        ConfigurationError: the application was started without ``vectorcache_lifespan``.
    """
    # Tests that run a lifespan without a server may not pass its state on to the requests.
    for state in (connection.state, connection.app.state):
        client: AsyncVectorcacheClient | None = getattr(state, _NAME, None)
        if client is not None:
            return client
    raise ConfigurationError(
        "this application has no client: give the outermost application "
        "lifespan=vectorcache_lifespan(), and start it with its lifespan (in tests: "
        "with TestClient(app) as user)"
    )


def add_error_handler(app: Starlette) -> None:
    """Makes an application answer failed queries with problem details (RFC 9457), and log them.

    Each application has its own handlers in Starlette, so mounted ones need this call as well.
    """
    app.add_exception_handler(VectorcacheError, answer_error)


async def answer_error(connection: HTTPConnection, error: Exception) -> Any:
    """Handles a ``VectorcacheError``; for ``exception_handlers=`` and decorators.

    A request is answered with problem details. A WebSocket is closed with the most similar status
    code (RFC 6455, 7.4.1, and its registry).
    """
    assert isinstance(error, VectorcacheError)
    problem = Problem.from_error(error)
    method = connection.scope.get("method", "WebSocket")
    problem.log(_logger, method, connection.url.path, error)
    if isinstance(connection, WebSocket):
        await connection.close(_CLOSE.get(problem.status, 1011), problem.code)
        return None
    return Response(problem.body, problem.status, problem.headers, MEDIA_TYPE)


# 1008 means a policy violation, 1013 "try again later", and 1011 (all others) an internal error.
_CLOSE = {422: 1008, 503: 1013}
