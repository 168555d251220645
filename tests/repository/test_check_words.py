"""``scripts/check-words``: words that are hard to read occur nowhere in the repository."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LISTED = tomllib.loads((ROOT / "scripts/words.toml").read_text("utf-8"))["word"]

pytestmark = pytest.mark.repository


def check(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, ROOT / "scripts/check-words", path],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("word", LISTED, ids=[word["find"] for word in LISTED])
def test_each_listed_word_is_found(tmp_path: Path, word: dict[str, Any]) -> None:
    """Each listed word is reported with its line, the reason and what to write instead.

    The examples of the list have it in a sentence, in a name and across two lines.
    """
    done = check(tmp_path / "text.md", f"First line.\n{word['example']}\n")
    assert done.returncode == 1
    assert ":2: " in done.stdout
    assert f'": {word["reason"]}; instead: {word["instead"]}' in done.stdout


@pytest.mark.parametrize("text", ["There is none yet.", "It is no longer used.", "if it is None:"])
def test_plain_words_pass(tmp_path: Path, text: str) -> None:
    """Usual words, and Python's ``None``, are not reported."""
    assert check(tmp_path / "text.md", text).returncode == 0
