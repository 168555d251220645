"""The annotations of the integrations can be resolved, as those of the whole package."""

from __future__ import annotations

from importlib import import_module

import pytest
from type_hints import public_callables, public_modules, unresolved


@pytest.mark.parametrize("name", ["langchain", "litellm", "llamaindex", "openai"])
def test_all_public_callables(name: str) -> None:
    """Tools that resolve the annotations of functions and classes work: woltapp/magic-di#5."""
    module = import_module(f"vectorcache.integrations.{name}")
    assert [*public_callables(module)]
    assert unresolved(module) == {}


@pytest.mark.parametrize("name", ["langchain", "openai"])
def test_modules_below(name: str) -> None:
    """The annotations of parts such as ``client.chat.completions`` can be resolved, too."""
    for module in public_modules(import_module(f"vectorcache.integrations.{name}")):
        assert unresolved(module) == {}
