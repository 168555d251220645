"""The example that chooses a threshold."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_scripts.programs import run

pytestmark = pytest.mark.repository

QUESTIONS = """\
prompt,label
How do I reset my password?,reset
How can I reset my password?,reset
What is machine learning?,ml
What is ML?,ml
Where is my order?,order
How do I change my password?,change
"""


def test_it_says_which_and_writes_the_page(service: str, tmp_path: Path) -> None:
    """It says beforehand what it may cost, prints the table, names one, and writes the page."""
    (tmp_path / "questions.csv").write_text(QUESTIONS)
    done = run("choose_threshold.py", "questions.csv", "report.html", url=service, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("6 questions: at most ")
    assert "0.85" in done.stdout
    assert float(done.stdout.splitlines()[-1].partition(":")[0]) >= 0.8
    page = (tmp_path / "report.html").read_text()
    assert "What is machine learning?" in page
