"""The clients of a project: one for sync views, one for async ones, both made when needed."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ... import AsyncVectorcacheClient, VectorcacheClient
from ..._secret import hidden
from ...errors import ConfigurationError
from .._lazy_client import LazyClient
from .._options import OPTIONS, check_names, make_client

# Named in the settings, one httpx client would have to serve both colours.
_NAMES = {option.upper(): option for option in OPTIONS if option != "http_client"}


def get_client() -> VectorcacheClient:
    """The project's client for sync views, commands and tasks; threads and forks share it.

    Raises:
        ConfigurationError: it cannot work as ``settings.VECTORCACHE`` says.
        ImproperlyConfigured: the app is not in ``INSTALLED_APPS``.
    """
    return _clients().sync.get()


def get_async_client() -> AsyncVectorcacheClient:
    """The project's client for async views; it may be used from several event loops.

    Raises:
        ConfigurationError: it cannot work as ``settings.VECTORCACHE`` says.
        ImproperlyConfigured: the app is not in ``INSTALLED_APPS``.
    """
    return _clients().awaiting.get()


class Clients:
    """A project's two clients; they close when nobody holds this any more, or at exit."""

    def __init__(self) -> None:
        self.sync = LazyClient(
            lambda: make_client(VectorcacheClient, options_of_settings()), VectorcacheClient.close
        )
        self.awaiting = LazyClient(
            lambda: make_client(AsyncVectorcacheClient, options_of_settings()), _close
        )


def options_of_settings() -> dict[str, Any]:
    """What ``settings.VECTORCACHE`` says, as the clients name it.

    Raises:
        ConfigurationError: it is no dictionary, or an option has a name that is none.
    """
    if not isinstance(getattr(settings, "VECTORCACHE", {}), dict):
        raise ConfigurationError(
            'settings.VECTORCACHE must be a dictionary, such as {"MODEL": "gpt-4o"}'
        )
    check_names(list(getattr(settings, "VECTORCACHE", {})), _NAMES)
    # The debug page hides the key in the settings, and would show it among our variables.
    return {
        _NAMES[name]: hidden(value) if name == "API_KEY" else value
        for name, value in getattr(settings, "VECTORCACHE", {}).items()
    }


def _clients() -> Clients:
    try:
        clients: Clients = apps.get_app_config("vectorcache").clients
    except LookupError:
        raise ImproperlyConfigured(
            'put "vectorcache.integrations.django" into INSTALLED_APPS'
        ) from None
    return clients


def _close(client: AsyncVectorcacheClient) -> None:
    # Every event loop closes its own connections when it ends; here the client ends.
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        with closing(asyncio.new_event_loop()) as loop:
            loop.run_until_complete(client.aclose())
    else:
        loop.create_task(client.aclose())
