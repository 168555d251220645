from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from local.serving import served
from servers import ScriptedServer

from vectorcache.local import app

# The tests that need none of the libraries, which are installed by scripts/test-llm only.
_WITHOUT_LIBRARIES = {"test_messages.py", "test_parameters.py", "test_pieces.py", "test_reply.py"}

if find_spec("langchain_core") is None:
    collect_ignore = [
        str(path)
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name not in _WITHOUT_LIBRARIES
    ]

# Without this, LiteLLM downloads prices when it is imported.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps keys, addresses, proxies and tracing of the machine out of all tests."""
    ours = ("VECTORCACHE_", "OPENAI_", "LANGCHAIN_", "LANGSMITH_")
    for name in tuple(os.environ):
        if name.upper().startswith(ours) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A real server on loopback that sends scripted answers."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def service() -> Iterator[str]:
    """The embedded service on loopback, with an empty cache; yields its base URL."""
    with served(app(llm=_answer)) as url:
        yield url


def _answer(prompt: str, model: str, context: str | None) -> str:
    return f"{model} says to '{prompt}': hello, you"
