"""Serves an engine as an httpx transport: requests are answered without a socket."""

from urllib.parse import unquote

import httpx

from .._local import COMPARED_HEADER
from .endpoint import Reply, arespond, respond
from .engine import Engine


class LocalTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers the requests of an ``httpx.Client`` or ``httpx.AsyncClient`` from an engine.

    Any host and any well-formed key are accepted. Timeouts of the client do not interrupt a plain
    ``llm``: give it a timeout of its own. Closing the transport closes the engine.
    """

    compares_parts = True

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request in the caller's thread.

        Raises:
            TypeError: the engine's ``llm`` is an ``async def``.
        """
        self.engine.refuse_async_llm()
        method, path, headers = request.method, request.url.path, request.headers
        compared = _compared(request)
        return _response(respond(self.engine, method, path, headers, request.read(), compared))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request without blocking the event loop."""
        body = await request.aread()
        method, path, headers = request.method, request.url.path, request.headers
        compared = _compared(request)
        return _response(await arespond(self.engine, method, path, headers, body, compared))

    def close(self) -> None:
        """Closes the engine."""
        self.engine.close()

    async def aclose(self) -> None:
        """Closes the engine."""
        self.engine.close()


def _compared(request: httpx.Request) -> str | None:
    quoted = request.headers.get(COMPARED_HEADER)
    return None if quoted is None else unquote(quoted)


def _response(reply: Reply) -> httpx.Response:
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body)
