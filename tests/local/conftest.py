"""What the tests of the local cache share: the real model, loaded once, and the stand-ins."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from local.stand_ins import Angles, MakeEngine, Recorder

from vectorcache.local import Engine, MiniLM


@pytest.fixture(scope="session")
def minilm() -> MiniLM:
    """The default embedder, loaded once for all tests."""
    return MiniLM()


@pytest.fixture
def llm() -> Recorder:
    """An LLM that remembers what it was asked."""
    return Recorder()


@pytest.fixture
def angles() -> Angles:
    """An embedder with known scores that remembers what it embedded."""
    return Angles()


@pytest.fixture
def make_engine(minilm: MiniLM) -> Iterator[MakeEngine]:
    """Engines on the real model, closed after the test."""
    with ExitStack() as stack:

        def make(*arguments: Any, **options: Any) -> Engine:
            options.setdefault("embedder", minilm)
            return stack.enter_context(Engine(*arguments, **options))

        yield make


@pytest.fixture
def child_environment() -> dict[str, str]:
    """An environment in which a child process imports what this one imports."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
