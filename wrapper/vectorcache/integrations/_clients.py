"""The clients behind one model of an LLM library, which is asked both with and without await."""

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
    """A client, an async one, or both.

    Attributes:
        plain: who is asked without await.
        awaiting: who is asked with it.
        made_here: whether they are this object's to close.
    """

    plain: VectorcacheClient | None
    awaiting: AsyncVectorcacheClient | None
    made_here: bool = False

    @classmethod
    def given_or_made(
        cls,
        client: VectorcacheClient | None,
        async_client: AsyncVectorcacheClient | None,
        options: ClientOptions,
    ) -> Clients:
        """The user's own clients; or else both, made from ``options``.

        Raises:
            ConfigurationError: clients and options were given, or an option is at fault.
        """
        if "api_key" in options:  # Tracebacks of what follows may be shown with their variables.
            cast(dict[str, Any], options)["api_key"] = hidden(options["api_key"])
        if "timeout" in options:
            options["timeout"] = httpx_timeout(options["timeout"])
        if client is None and async_client is None:
            plain, awaiting = VectorcacheClient(**options), AsyncVectorcacheClient(**options)
            clients = cls(plain, awaiting, made_here=True)
            # Nobody closes a model of an LLM library, and so nobody is to be warned.
            weakref.finalize(clients, plain.close)
            weakref.finalize(clients, close_without_waiting, awaiting)
            return clients
        if options:
            raise ConfigurationError(
                f"{' and '.join(options)} cannot be given beside a client, which has its own: "
                "set them where the client is made"
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
            _check_alike(client, async_client)
        return cls(client, async_client)

    @property
    def settings(self) -> Settings:
        """What calls go by that do not say otherwise."""
        client = self.plain or self.awaiting
        assert client is not None
        return client_settings(client)

    @property
    def identity(self) -> str:
        """Hexadecimal digits by which other caches tell apart whose answers they keep.

        Two that are equal ask the same service with the same key, headers and functions; neither
        key nor headers can be told from them.
        """
        given = [client for client in (self.plain, self.awaiting) if client is not None]
        return "-".join(dict.fromkeys(client_identity(client) for client in given))

    @property
    def compares_parts(self) -> bool:
        """Whether a part of a prompt can be compared: where the service is in this process."""
        given = [client for client in (self.plain, self.awaiting) if client is not None]
        return all(can_compare_parts(client) for client in given)

    def query(self, arguments: Mapping[str, Any]) -> VectorcacheResponse:
        """Asks, and waits for the answer; raises whatever ``VectorcacheClient.query`` does."""
        if self.plain is None:
            raise ConfigurationError(
                "there is only an async client, which cannot be asked without await: pass "
                "client=VectorcacheClient(...), too (nothing was sent)"
            )
        return self.plain.query(**arguments)

    async def aquery(self, arguments: Mapping[str, Any]) -> VectorcacheResponse:
        """Asks on this event loop; in a thread, if there is no async client."""
        if self.awaiting is not None:
            return await self.awaiting.query(**arguments)
        import anyio.to_thread

        from .._anyio_threads import limiter

        return await anyio.to_thread.run_sync(
            partial(self.query, arguments), abandon_on_cancel=True, limiter=limiter()
        )

    def close(self) -> None:
        """Closes the client, unless it was given; the async one is closed by ``aclose``."""
        if self.made_here and self.plain is not None:
            self.plain.close()

    async def aclose(self) -> None:
        """Closes both, unless they were given."""
        self.close()
        if self.made_here and self.awaiting is not None:
            await self.awaiting.aclose()


def _check_alike(client: VectorcacheClient, async_client: AsyncVectorcacheClient) -> None:
    # One model is one tenant: where a library keeps answers, it does not see which of them asked.
    plain, awaiting = client_settings(client), client_settings(async_client)
    same = {
        "api_key or base_url": plain.identity == awaiting.identity,
        "context": (plain.context or None) == (awaiting.context or None),
        "similarity_threshold": plain.similarity_threshold == awaiting.similarity_threshold,
    }
    for name, alike in same.items():
        if not alike:
            raise ConfigurationError(
                f"client and async_client differ in {name}: make both with the same one, or use "
                "two models"
            )
