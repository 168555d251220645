"""Runs async tests as ``anyio_mode = "auto"`` does, for versions of anyio that lack it.

A pytest plugin; ``scripts/test-wheel lowest`` loads it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> Iterator[None]:
    """Marks the test before anyio's own plugin looks for the mark."""
    if collector.istestfunction(obj, name) and inspect.iscoroutinefunction(obj):
        pytest.mark.anyio(obj)
    return (yield)
