"""The app, which holds the clients."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.core.signals import setting_changed

from .checks import check_settings
from .clients import Clients


class VectorcacheConfig(AppConfig):  # type: ignore[misc] # Django has no types.
    """Vectorcache, as Django lists it."""

    name = "vectorcache.integrations.django"
    label = "vectorcache"
    verbose_name = "Vectorcache"

    def ready(self) -> None:
        self.clients = Clients()
        register(check_settings)
        setting_changed.connect(self._start_anew)

    def _start_anew(self, *, setting: str, **_: Any) -> None:
        if setting == "VECTORCACHE":  # By ``override_settings`` and its kin, in tests.
            self.clients = Clients()
