"""docs/command-line.md: what it says the program does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli.programs import WAIT, environment

from vectorcache.cli.exit_codes import ExitCode

pytestmark = pytest.mark.repository

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
# What is not the same each time and on each machine: times, scores and US dollars.
FIGURES = re.compile(r"\b[\d.]+ m?s\b|\b0\.\d{3}\b|\$[\d.]+")


def blocks() -> list[tuple[str, str]]:
    """The shell blocks, and what is said to be shown by each; but for what installs something."""
    found = BLOCK.findall(PAGE.read_text())
    return [(code, shown) for code, shown in found if not code.startswith("pip ")]


def test_its_commands(documented_service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every shell block runs, one after the other in one folder, and shows what it says."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("VECTORCACHE_BASE_URL", documented_service)
    assert len(blocks()) >= 8
    for code, shown in blocks():
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(PATH=programs),
            timeout=WAIT,
            check=False,
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}"
        if shown:
            assert FIGURES.sub("N", done.stdout) == FIGURES.sub("N", shown)


def test_its_exit_statuses() -> None:
    """The table names every exit status there is."""
    rows = re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE)
    assert [int(row) for row in rows] == [code.value for code in ExitCode]


def test_every_command_is_there() -> None:
    """Each command has its place on the page."""
    from vectorcache.cli.app import COMMANDS

    text = PAGE.read_text()
    assert all(f"vectorcache {name}" in text for name in COMMANDS)
