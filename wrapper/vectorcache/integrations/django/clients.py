"""The clients of a project, one for sync and one for async views; each is made when needed."""

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

# Without http_client, because one httpx client cannot serve both sync and async clients.
_NAMES = {option.upper(): option for option in OPTIONS if option != "http_client"}


def get_client() -> VectorcacheClient:
    """Returns the project's client for sync views, commands and tasks; threads and forks share it.

    Raises:
        ConfigurationError: ``settings.VECTORCACHE`` is invalid, or there is no key.
        ImproperlyConfigured: the app is not in ``INSTALLED_APPS``.
    """
    return _clients().for_sync.get()


def get_async_client() -> AsyncVectorcacheClient:
    """Returns the project's client for async views; several event loops may use it.

    Raises:
        ConfigurationError: ``settings.VECTORCACHE`` is invalid, or there is no key.
        ImproperlyConfigured: the app is not in ``INSTALLED_APPS``.
    """
    return _clients().for_async.get()


class Clients:
    """A project's two clients, closed when this object is garbage-collected, or at exit."""

    def __init__(self) -> None:
        self.for_sync = LazyClient(
            lambda: make_client(VectorcacheClient, options_from_settings()), VectorcacheClient.close
        )
        self.for_async = LazyClient(
            lambda: make_client(AsyncVectorcacheClient, options_from_settings()), _close
        )


def options_from_settings() -> dict[str, Any]:
    """Returns ``settings.VECTORCACHE`` as keyword arguments of the clients.

    Raises:
        ConfigurationError: the setting is not a dictionary, or contains an unknown option.
    """
    if not isinstance(getattr(settings, "VECTORCACHE", {}), dict):
        raise ConfigurationError(
            'settings.VECTORCACHE must be a dictionary, such as {"MODEL": "gpt-4o"}'
        )
    check_names(list(getattr(settings, "VECTORCACHE", {})), _NAMES)
    # The debug page hides the key in the settings, but would show it in the variables here.
    return {
        _NAMES[name]: hidden(value) if name == "API_KEY" else value
        for name, value in getattr(settings, "VECTORCACHE", {}).items()
    }


def _clients() -> Clients:
    try:
        clients: Clients = apps.get_app_config("vectorcache").clients
    except LookupError:
        raise ImproperlyConfigured(
            "the Django app of Vectorcache is not installed: put "
            '"vectorcache.integrations.django" into INSTALLED_APPS'
        ) from None
    return clients


def _close(client: AsyncVectorcacheClient) -> None:
    # Each event loop closes its own connections when it ends, but here the client ends first.
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        with closing(asyncio.new_event_loop()) as loop:
            loop.run_until_complete(client.aclose())
    else:
        loop.create_task(client.aclose())
