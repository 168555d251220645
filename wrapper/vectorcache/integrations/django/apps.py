"""The Django app, which holds the clients."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.core.signals import setting_changed

from .checks import check_settings
from .clients import Clients


class VectorcacheConfig(AppConfig):  # type: ignore[misc] # Django has no types.
    """The configuration of the app ``vectorcache``."""

    name = "vectorcache.integrations.django"
    label = "vectorcache"
    verbose_name = "Vectorcache"

    def ready(self) -> None:
        self.clients = Clients()
        register(check_settings)
        setting_changed.connect(self._replace_clients)

    def _replace_clients(self, *, setting: str, **_: Any) -> None:
        if setting == "VECTORCACHE":  # Tests change it, by ``override_settings`` and similar.
            self.clients = Clients()
