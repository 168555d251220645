"""``scripts/check-words``: words that are hard to read occur nowhere in the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/check-words"

pytestmark = pytest.mark.repository


def check(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, SCRIPT, path], capture_output=True, encoding="utf-8", check=False
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The key is at fault.", "at fault"),
        ("Nobody waits.", "Nobody"),
        ("# A query is under\n# way.", "under # way"),
        ("The pattern is none.", "is none"),
        ("Clients of both colours.", "both colours"),
    ],
)
def test_a_listed_word_is_found(tmp_path: Path, text: str, found: str) -> None:
    """A listed word is reported with its line and the reason, also across two lines."""
    done = check(tmp_path / "text.md", f"First line.\n{text}\n")
    assert done.returncode == 1
    assert f':2: "{found}": ' in done.stdout


@pytest.mark.parametrize("text", ["There is none yet.", "It is no longer used.", "if it is None:"])
def test_plain_words_pass(tmp_path: Path, text: str) -> None:
    """Usual words, and Python's ``None``, are not reported."""
    assert check(tmp_path / "text.md", text).returncode == 0
