"""Clients of the service that send through an httpx client of the user."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import httpx
from clients import KEY, AnyClient, BlockingAsyncClient
from servers import Received, ScriptedServer

from vectorcache import (
    AsyncVectorcacheClient,
    RetryPolicy,
    VectorcacheClient,
)

AUTHORIZATION = f"Bearer {KEY}"


class Asking:
    """Asks through a client of one's own, of either kind."""

    def __init__(self, kind: str, server: ScriptedServer, call: Callable[..., Any]) -> None:
        self.kind = kind
        self._server = server
        self._call = call
        self._made: list[tuple[Any, AnyClient]] = []

    def client(self, options: dict[str, Any] | None = None, **own: Any) -> AnyClient:
        """A client whose requests go through an httpx client made of ``own``."""
        settings = {
            "base_url": self._server.url,
            "retry": RetryPolicy.without_waiting(),
            **(options or {}),
        }
        client: AnyClient
        if self.kind == "sync":
            sending = httpx.Client(**own)
            client = VectorcacheClient(KEY, http_client=sending, **settings)
            self._made.append((sending.close, client))
        else:
            awaiting = httpx.AsyncClient(**own)
            client = BlockingAsyncClient(
                AsyncVectorcacheClient(KEY, http_client=awaiting, **settings), self._call
            )
            self._made.append((lambda: self._call(awaiting.aclose), client))
        return client

    def received(self, options: dict[str, Any] | None = None, **own: Any) -> Received:
        """What the server receives of a query through it."""
        assert self.client(options, **own).query("Q", "m").cache_hit
        return self._server.requests[-1]

    def hook(self, hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A plain event hook, as this kind of client takes it."""

        async def awaited(message: Any) -> None:
            hook(message)

        return hook if self.kind == "sync" else awaited

    def close(self) -> None:
        for close_own, client in self._made:
            client.close()
            close_own()


class Adds(httpx.Auth):
    """An auth that sets headers."""

    def __init__(self, **headers: str) -> None:
        self._headers = headers

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.update({name.replace("_", "-"): v for name, v in self._headers.items()})
        yield request
