"""The annotations of the integrations can be resolved, as the rest of the package's can."""

from __future__ import annotations

from importlib import import_module

import pytest
from type_hints import public_callables, public_modules, unresolved


@pytest.mark.parametrize("name", ["langchain", "litellm", "llamaindex", "openai"])
def test_all_public_callables(name: str) -> None:
    """Whatever takes a function or a class apart by its annotations can: woltapp/magic-di#5."""
    module = import_module(f"vectorcache.integrations.{name}")
    assert [*public_callables(module)]
    assert unresolved(module) == {}


@pytest.mark.parametrize("name", ["langchain", "openai"])
def test_modules_below(name: str) -> None:
    """So can what they are made of, such as ``client.chat.completions``."""
    for module in public_modules(import_module(f"vectorcache.integrations.{name}")):
        assert unresolved(module) == {}
