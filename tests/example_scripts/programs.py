"""Runs an example as its reader would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from clients import KEY

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*words: str, url: str, given: str = "", folder: Path) -> subprocess.CompletedProcess[str]:
    """The output of an example that asks the service at ``url``, started in ``folder``."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / words[0]), *words[1:]],
        cwd=folder,
        env={**os.environ, "VECTORCACHE_API_KEY": KEY, "VECTORCACHE_BASE_URL": url},
        input=given,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert KEY not in done.stdout + done.stderr
    return done
