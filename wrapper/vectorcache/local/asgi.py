"""Serves an engine as an ASGI application, for tests and for clients in other languages."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from os import PathLike

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .._llm import LLM
from .._logging import set_up_log_from_environment
from .embedder import Embedder
from .endpoint import MAX_BODY, arespond, refuse
from .engine import Engine
from .hosts import AllowedHosts


def app(
    path: str | PathLike[str] | None = None,
    llm: LLM | None = None,
    *,
    embedder: Embedder | None = None,
    lexical_guard: bool = False,
    allowed_hosts: Iterable[str] = (),
) -> Starlette:
    """Returns an application in which an :class:`Engine` answers ``POST /v1/cache/query``.

    A request that arrives on loopback is answered only if its Host header names this machine, so
    that a page in a browser cannot read the cache by DNS rebinding.

    The engine is ``app.state.engine``, and is closed when the server ends. A mounted application
    does not get that event: close the engine yourself.

    Args:
        path: the arguments but ``allowed_hosts`` are those of :class:`Engine`.
        allowed_hosts: further names for a server on loopback, without a port, such as the name
            that a reverse proxy on this machine passes on. ``*`` allows every name. By default,
            only ``localhost`` and loopback addresses are allowed.

    Raises:
        CacheFileError: the file cannot be opened, is damaged, or is not a Vectorcache file.
        ConfigurationError: VECTORCACHE_LOG is not the name of a level.
        TypeError: an argument has the wrong type.
    """
    set_up_log_from_environment()
    hosts = AllowedHosts(allowed_hosts)
    engine = Engine(path, llm, embedder=embedder, lexical_guard=lexical_guard)

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            engine.close()

    # One route serves every path and method, so that 404 and 405 look as they do in process.
    application = Starlette(
        routes=[Route("/{path:path}", _Endpoint(engine, hosts))],
        lifespan=lifespan,
    )
    application.state.engine = engine
    return application


class _Endpoint:
    def __init__(self, engine: Engine, hosts: AllowedHosts) -> None:
        self._engine = engine
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        # A server that listens on a Unix socket gives no address.
        address, _ = scope.get("server") or (None, None)
        refusal = self._hosts.refusal(address, request.headers.get("host"))
        if refusal is not None:
            reply = refuse(400, refusal)
            await Response(reply.body, reply.status, reply.headers)(scope, receive, send)
            return
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                # A body that exceeds the limit is refused by its length, so more of it is not kept.
                if len(body) > MAX_BODY:
                    break
        except ClientDisconnect:
            return  # The client has closed the connection.
        reply = await arespond(
            self._engine,
            request.method,
            f"/{request.path_params['path']}",
            request.headers,
            bytes(body),
        )
        await Response(reply.body, reply.status, reply.headers)(scope, receive, send)
