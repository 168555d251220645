"""The engine as an httpx transport: requests are answered in this process, without a socket."""

import httpx

from .endpoint import Reply, arespond, respond
from .engine import Engine


class LocalTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers the requests of an ``httpx.Client`` or ``httpx.AsyncClient`` from an engine.

    Any host is answered, and any well-formed key is accepted. Time-outs of the client do not
    interrupt a synchronous ``llm``: give it one of its own. Closing the transport closes the
    engine.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request in the caller's thread.

        Raises:
            TypeError: The engine's ``llm`` is an ``async def``.
        """
        self.engine.refuse_async_llm()
        return _response(
            respond(self.engine, request.method, request.url.path, request.headers, request.read())
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request without blocking the event loop."""
        body = await request.aread()
        return _response(
            await arespond(self.engine, request.method, request.url.path, request.headers, body)
        )

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()

    async def aclose(self) -> None:
        """Close the engine."""
        self.engine.close()


def _response(reply: Reply) -> httpx.Response:
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body)
