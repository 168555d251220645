"""Starlette, and what is built on it: a client that lives as long as the application.

Needs Starlette, which FastAPI brings along; for FastAPI see ``vectorcache.integrations.fastapi``.
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

# Not a part of the ``vectorcache`` logger, which is silent where no logging is configured: an
# application's faults are to be seen then, too.
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
    """A lifespan that makes a client when the application starts, and closes it when it ends.

    The client is ``request.state.vectorcache``, in mounted applications too, and
    ``app.state.vectorcache``. A mounted application's own lifespan is never run, so this belongs
    to the outermost one.

    Args:
        own: the application's own lifespan, which runs within this one: it finds the client at
            ``app.state.vectorcache``, and what it yields is the request's state, as ever.
        local: whether the client is one with an embedded cache, without key and network:
            ``AsyncVectorcacheClient.local``.
        llm: with ``local``, a function ``llm(prompt, model, context) -> str``, plain or async,
            that answers misses; None answers them with a text that says so.
        path: with ``local``, a file that keeps the cache; None for memory.
        options: what ``AsyncVectorcacheClient`` takes by keyword. The environment is read when
            the application starts.

    Raises:
        ConfigurationError: an option has a name that is none, or ``llm`` or ``path`` is given
            without ``local``; and when the application starts, if the client cannot work as it
            was set up.

    Examples:
        >>> from starlette.applications import Starlette
        >>> app = Starlette(lifespan=vectorcache_lifespan(model="gpt-4o", deadline=20))
    """
    if "api_key" in options:
        # Tracebacks of what follows may be shown with their variables.
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
            within = cast(AbstractAsyncContextManager[Any], own(app))
            async with within as state:
                yield {**(state or {}), _NAME: client}

    return lifespan


def get_client(connection: HTTPConnection) -> AsyncVectorcacheClient:
    """The application's client, for a request or a WebSocket.

    Raises:
        ConfigurationError: the application was started without ``vectorcache_lifespan``.
    """
    # What runs a lifespan without a server, as some tests do, may forget the requests' state.
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
    """Answers what a query fails with as problem details (RFC 9457), and logs it.

    Starlette asks each application for its own handlers, so mounted ones need this as well.
    """
    app.add_exception_handler(VectorcacheError, answer_error)


async def answer_error(connection: HTTPConnection, error: Exception) -> Any:
    """Handles a ``VectorcacheError``, as ``exception_handlers=`` and decorators take it.

    A request is answered with problem details; a WebSocket is closed with the status that comes
    closest (RFC 6455, 7.4.1, and its registry).
    """
    assert isinstance(error, VectorcacheError)
    problem = Problem.of(error)
    method = connection.scope.get("method", "WebSocket")
    problem.log(_logger, method, connection.url.path, error)
    if isinstance(connection, WebSocket):
        await connection.close(_CLOSE.get(problem.status, 1011), problem.code)
        return None
    return Response(problem.body, problem.status, problem.headers, MEDIA_TYPE)


# 1008 is a violated policy, 1013 "try again later", and 1011, for all else, an internal error.
_CLOSE = {422: 1008, 503: 1013}
