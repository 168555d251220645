"""The engine as an ASGI application, for tests and other languages that want a socket."""

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
    """``POST /v1/cache/query`` over HTTP, answered by an :class:`Engine`.

    A request that arrives on loopback is answered only if its Host header names this machine, so
    that a page in a browser cannot read the cache by DNS rebinding.

    The engine is at ``app.state.engine`` and closes with the server (a mounted application gets no
    such event: close it yourself).

    Args:
        path: As all but ``allowed_hosts``, of :class:`Engine`.
        allowed_hosts: Further names for a server on loopback, without a port, such as the name
            that a reverse proxy on this machine passes on. ``*`` allows every name. Default: none
            but ``localhost`` and loopback addresses.

    Raises:
        CacheFileError: The file cannot be opened, is damaged, or is not a Vectorcache file.
        ConfigurationError: VECTORCACHE_LOG is not the name of a level.
        TypeError: An argument has the wrong type.
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

    # One route for every path and method, so that 404 and 405 look as they do in process.
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
        # Where a server does not say it, the request did not arrive at an address.
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
                # What exceeds the limit is refused by its length, so there is no need to hold more.
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
