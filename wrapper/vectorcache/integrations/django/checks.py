"""Checks of the settings for ``manage.py check``."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from ... import AsyncVectorcacheClient
from ..._local import LOCAL_KEY
from ..._settings import API_KEY_VARIABLE
from ...errors import ConfigurationError
from .._options import make_client, refuse_without_local
from .clients import options_from_settings

_MIDDLEWARE = "vectorcache.integrations.django.VectorcacheMiddleware"


def check_settings(app_configs: object, **_: Any) -> list[CheckMessage]:
    """Returns E001 for an invalid setting, W001 without a key, and W002 without the middleware."""
    found: list[CheckMessage] = []
    try:
        options = options_from_settings()
        if not (options.get("api_key") or os.environ.get(API_KEY_VARIABLE)):
            if not options.get("local"):
                # Only a warning: images are built and static files collected without secrets.
                found.append(
                    CheckWarning(
                        "Vectorcache has no API key.",
                        hint=f"Set the environment variable {API_KEY_VARIABLE}.",
                        id="vectorcache.W001",
                    )
                )
            options["api_key"] = LOCAL_KEY
        refuse_without_local(options)
        # The client opens no connection, so it need not be closed.
        hosted = {**options, "local": False, "llm": None, "path": None}
        make_client(AsyncVectorcacheClient, hosted)
    except ConfigurationError as error:
        found.append(Error(f"settings.VECTORCACHE: {error}", id="vectorcache.E001"))
    if _MIDDLEWARE not in settings.MIDDLEWARE:
        found.append(
            CheckWarning(
                "Failed queries are answered with Django's own error page.",
                hint=f'Put "{_MIDDLEWARE}" into MIDDLEWARE.',
                id="vectorcache.W002",
            )
        )
    return found
