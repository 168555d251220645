"""Starts the applications of the guide: each is imported anew, with its environment."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest
from clients import KEY
from guide.exchange import LoadApplication
from servers import ScriptedServer

from vectorcache import VectorcacheClient

APPLICATIONS = Path(__file__).with_name("applications")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> Iterator[LoadApplication]:
    """Imports an application that uses the server, and unloads it after the test."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    monkeypatch.setenv("VECTORCACHE_BASE_URL", server.url)
    with ExitStack() as left_open:

        def load(name: str) -> ModuleType:
            spec = importlib.util.spec_from_file_location(name, APPLICATIONS / f"{name}.py")
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            # Flask and pydantic look up the module of their caller by its name.
            monkeypatch.setitem(sys.modules, name, module)
            spec.loader.exec_module(module)
            if isinstance(client := getattr(module, "client", None), VectorcacheClient):
                left_open.callback(client.close)
            return module

        yield load
