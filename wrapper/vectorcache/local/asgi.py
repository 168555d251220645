"""The engine as an ASGI application, for tests and other languages that want a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from os import PathLike
from typing import TYPE_CHECKING

from .._llm import LLM
from .._logging import log_as_the_environment_says
from .embedder import Embedder
from .endpoint import MAX_BODY, arespond
from .engine import Engine

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import Receive, Scope, Send


def app(
    path: str | PathLike[str] | None = None,
    llm: LLM | None = None,
    *,
    embedder: Embedder | None = None,
    lexical_guard: bool = False,
) -> "Starlette":
    """``POST /v1/cache/query`` over HTTP, answered by an :class:`Engine`.

    The arguments are those of :class:`Engine`. The engine is at ``app.state.engine`` and closes
    with the server (a mounted application gets no such event: close it yourself).

    Raises:
        CacheFileError: The file cannot be opened, or is not a Vectorcache file.
        ConfigurationError: VECTORCACHE_LOG is not the name of a level.
    """
    from starlette.applications import Starlette
    from starlette.routing import Route

    log_as_the_environment_says()
    engine = Engine(path, llm, embedder=embedder, lexical_guard=lexical_guard)

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            engine.close()

    # One route for every path and method, so that 404 and 405 look as they do in process.
    application = Starlette(
        routes=[Route("/{path:path}", _Endpoint(engine))],
        lifespan=lifespan,
    )
    application.state.engine = engine
    return application


class _Endpoint:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        from starlette.requests import ClientDisconnect, Request
        from starlette.responses import Response

        request = Request(scope, receive)
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                # What exceeds the limit is refused by its length, so there is no need to hold more.
                if len(body) > MAX_BODY:
                    break
        except ClientDisconnect:
            return  # Nobody is there to be answered.
        reply = await arespond(
            self._engine,
            request.method,
            f"/{request.path_params['path']}",
            request.headers,
            bytes(body),
        )
        await Response(reply.body, reply.status, reply.headers)(scope, receive, send)
