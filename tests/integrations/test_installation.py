"""The error for a framework that is not installed."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["starlette", "fastapi", "flask", "django"])
def test_the_framework_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module of a missing framework says what to install."""
    monkeypatch.delitem(sys.modules, f"vectorcache.integrations.{name}", raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install .*vectorcache-python\[") as caught:
        import_module(f"vectorcache.integrations.{name}")
    assert caught.value.name == name
