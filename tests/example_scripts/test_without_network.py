"""The example of tests without a network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from example_scripts.programs import EXAMPLES

pytestmark = pytest.mark.repository


def test_it_passes(tmp_path: Path) -> None:
    """Its tests pass in an empty folder, with pytest's own settings."""
    shutil.copy(EXAMPLES / "test_without_network.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout
