"""What docs/dataframes.md shows of the examples, which it does not run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.repository

ROOT = Path(__file__).parents[2]

# The example that a paragraph links to, and the code that follows.
EXCERPT = re.compile(
    r"\(\.\./(examples/\S+)\)\):\n\n<!-- skip: next -->\n\n```python\n(.*?)```", re.DOTALL
)


def test_the_excerpts() -> None:
    """Code that the page does not run stands word for word in the tested example it names."""
    page = (ROOT / "docs" / "dataframes.md").read_text()
    excerpts = EXCERPT.findall(page)
    assert len(excerpts) == page.count("skip: next") == 3
    for example, code in excerpts:
        assert code in (ROOT / example).read_text()
