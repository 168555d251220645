"""The code of the page about LLM libraries, run in order in one namespace."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import litellm
import pytest
from clients import KEY

pytestmark = [
    pytest.mark.repository,
    # LiteLLM warns about its own code when it is first used.
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning"),
]

PAGE = Path(__file__).parents[2] / "docs" / "llm-libraries.md"


def test_the_code_runs(service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every Python block of the page runs, with the embedded service."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    monkeypatch.setenv("VECTORCACHE_BASE_URL", service)
    monkeypatch.setattr(litellm, "custom_provider_map", [])
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text()
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    assert len(blocks) == text.count("```python") > 0
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in blocks:
        # A traceback then shows the line of the page.
        above = text.count("\n", 0, block.start(1)) * "\n"
        exec(compile(above + block[1], PAGE, "exec"), namespace)
