"""The sync and the async client behind one model of an LLM library."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import attrs

from .._async_client import AsyncVectorcacheClient
from .._client import (
    can_compare_parts,
    client_identity,
    client_settings,
    close_without_waiting,
)
from .._response import VectorcacheResponse
from .._secret import hidden
from .._settings import ClientOptions, Settings
from .._sync_client import VectorcacheClient
from ..errors import ConfigurationError
from ._parameters import httpx_timeout


@attrs.frozen
class Clients:
    """A sync client, an async client, or both.

    Attributes:
        sync_client: answers sync calls.
        async_client: answers async calls.
        made_here: whether this object made the clients, so that it closes them.
    """

    sync_client: VectorcacheClient | None
    async_client: AsyncVectorcacheClient | None
    made_here: bool = False

    @classmethod
    def given_or_made(
        cls,
        client: VectorcacheClient | None,
        async_client: AsyncVectorcacheClient | None,
        options: ClientOptions,
    ) -> Clients:
        """Returns the user's own clients; without any, makes both from ``options``.

        Raises:
            ConfigurationError: both clients and options were given, or an option is invalid.
        """
        # Tracebacks of the following calls may be shown with their variables.
        if "api_key" in options:
            cast(dict[str, Any], options)["api_key"] = hidden(options["api_key"])
        if "timeout" in options:
            options["timeout"] = httpx_timeout(options["timeout"])
        if client is None and async_client is None:
            client, async_client = VectorcacheClient(**options), AsyncVectorcacheClient(**options)
            clients = cls(client, async_client, made_here=True)
            # Users of an LLM library do not close their models, so no warning is given.
            weakref.finalize(clients, client.close)
            weakref.finalize(clients, close_without_waiting, async_client)
            return clients
        if options:
            raise ConfigurationError(
                f"{' and '.join(options)} cannot be combined with a client, which has its own: "
                "pass them where the client is made"
            )
        for name, value, kind in (
            ("client", client, VectorcacheClient),
            ("async_client", async_client, AsyncVectorcacheClient),
        ):
            if value is not None and not isinstance(value, kind):
                raise ConfigurationError(
                    f"{name} is of type {type(value).__name__}: pass a {kind.__name__}"
                )
        if client is not None and async_client is not None:
            _check_same_tenant(client, async_client)
        return cls(client, async_client)

    @property
    def settings(self) -> Settings:
        """The settings that hold for calls without their own."""
        client = self.sync_client or self.async_client
        assert client is not None
        return client_settings(client)

    @property
    def identity(self) -> str:
        """Hexadecimal digits by which other caches keep the answers of different models apart.

        Models with equal digits ask the same service with the same key, headers and functions.
        Neither the key nor the headers can be read from the digits.
        """
        given = [client for client in (self.sync_client, self.async_client) if client is not None]
        return "-".join(dict.fromkeys(client_identity(client) for client in given))

    @property
    def compares_parts(self) -> bool:
        """Whether all clients can compare a part of a prompt, as those of ``local()`` can."""
        given = [client for client in (self.sync_client, self.async_client) if client is not None]
        return all(can_compare_parts(client) for client in given)

    def query(self, arguments: Mapping[str, Any]) -> VectorcacheResponse:
        """Asks and waits for the answer; raises what ``VectorcacheClient.query`` raises."""
        if self.sync_client is None:
            raise ConfigurationError(
                "there is only an async client, which cannot answer a sync call: also pass "
                "client=VectorcacheClient(...) (nothing was sent)"
            )
        return self.sync_client.query(**arguments)

    async def aquery(self, arguments: Mapping[str, Any]) -> VectorcacheResponse:
        """Asks on this event loop, or in a thread if there is only a sync client."""
        if self.async_client is not None:
            return await self.async_client.query(**arguments)
        import anyio.to_thread

        from .._anyio_threads import limiter

        return await anyio.to_thread.run_sync(
            partial(self.query, arguments), abandon_on_cancel=True, limiter=limiter()
        )

    def close(self) -> None:
        """Closes the sync client, unless the user passed it; ``aclose`` closes the async one."""
        if self.made_here and self.sync_client is not None:
            self.sync_client.close()

    async def aclose(self) -> None:
        """Closes both clients, unless the user passed them."""
        self.close()
        if self.made_here and self.async_client is not None:
            await self.async_client.aclose()


def _check_same_tenant(client: VectorcacheClient, async_client: AsyncVectorcacheClient) -> None:
    # A library that keeps answers does not see which of the two clients asked, so that both must
    # belong to the same tenant.
    settings, async_settings = client_settings(client), client_settings(async_client)
    same = {
        "api_key or base_url": settings.key_digest == async_settings.key_digest,
        "context": (settings.context or None) == (async_settings.context or None),
        "similarity_threshold": settings.similarity_threshold
        == async_settings.similarity_threshold,
    }
    for name, alike in same.items():
        if not alike:
            raise ConfigurationError(
                f"client and async_client differ in {name}: make both with the same value, or use "
                "two models"
            )
