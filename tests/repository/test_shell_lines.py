"""The shell lines of README and docs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from clients import KEY

pytestmark = pytest.mark.repository

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(?:bash|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# tests/cli reads the page of the command line, and compares the output as well.
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    # The README is missing where the wheel is tested.
    if page.exists() and page.name != "command-line.md" and BLOCK.search(page.read_text())
]

# Lines that another test runs, or CI itself.
ELSEWHERE = {
    "./scripts/demo": "tests/repository/test_demo.py",
    "./scripts/generate-client go java": "scripts/test, with all other languages",
    "./scripts/generate-client typescript": "tests/conformance/test_typescript.py",
    "./scripts/test": "it runs this",
    # With other pins it would replace the environment in which this test runs.
    "./scripts/venv .venv dev": "scripts/test",
    "npm install ./build/clients/typescript": "tests/repository/test_generate_client.py",
    "pytest tests/faults": "scripts/test-wheel",
}

QUESTIONS = """\
prompt,label
How do I reset my password?,reset
How can I reset my password?,reset
Where is my order?,order
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the repository, with the files that the lines of the docs read."""
    for entry in ROOT.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    for name in ("old.yaml", "new.yaml"):
        (tmp_path / name).write_text((ROOT / "openapi.yaml").read_text())
    for name in ("prompts.csv", "questions.csv"):
        (tmp_path / name).write_text(QUESTIONS)
    (tmp_path / "questions.txt").write_text("How do I reset my password?\n")
    pl.DataFrame({"ticket": [1], "text": ["no login"]}).write_parquet(tmp_path / "tickets.parquet")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_they_run(page: Path, folder: Path, documented_service: str) -> None:
    """Every line of a shell block runs without an error, in the order of the page."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "VECTORCACHE_API_KEY": KEY,
        "VECTORCACHE_BASE_URL": documented_service,
        # The package is installed, with its extras: pip checks that what the line names exists.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_DEPS": "1",
    }
    for block in BLOCK.findall(page.read_text()):
        for line in block.splitlines():
            command = line.partition("  #")[0].strip()
            if not command or command in ELSEWHERE:
                continue
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=100,
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}"
            assert "does not provide the extra" not in done.stdout
