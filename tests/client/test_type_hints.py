"""Annotations can be resolved: typing.get_type_hints, inspect.signature(eval_str=True)."""

from __future__ import annotations

from importlib import import_module

import pytest
from type_hints import public_callables, public_modules, unresolved

import vectorcache


@pytest.mark.parametrize(
    "name",
    [
        "vectorcache",
        "vectorcache.cli",
        "vectorcache.dataframe",
        "vectorcache.errors",
        "vectorcache.integrations.django",
        "vectorcache.integrations.fastapi",
        "vectorcache.integrations.flask",
        "vectorcache.integrations.starlette",
        "vectorcache.local",
        "vectorcache.telemetry",
        "vectorcache.tuning",
    ],
)
def test_all_public_callables(name: str) -> None:
    """The annotations of all public functions and classes can be resolved (woltapp/magic-di#5)."""
    module = import_module(name)
    assert [*public_callables(module)]
    assert unresolved(module) == {}


@pytest.mark.parametrize("name", ["dataframe", "local"])
def test_modules_below(name: str) -> None:
    """The annotations of private functions and classes can be resolved as well."""
    for module in public_modules(import_module(f"vectorcache.{name}")):
        assert unresolved(module) == {}


def test_local_without_its_extra() -> None:
    """The annotations of ``local`` can be resolved without the extra."""
    found = vectorcache.VectorcacheClient.local.__func__.__globals__  # type: ignore[attr-defined]
    assert found["Embedder"].__module__ == "vectorcache.local"


def test_what_cannot_be_resolved_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk itself notices an annotation without its import."""
    monkeypatch.delitem(vars(import_module("vectorcache._sync_client")), "BatchResult")
    assert unresolved(vectorcache).keys() >= {"vectorcache.VectorcacheClient.query_many"}
