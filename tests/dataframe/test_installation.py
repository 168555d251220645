"""The extra ``dataframe``."""

from __future__ import annotations

import subprocess
import sys


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_nothing_heavy_is_imported() -> None:
    """Importing it loads no library of frames: only that of the frame that it is given."""
    heavy = "{'pandas', 'polars', 'pyarrow', 'numpy'} & set(sys.modules)"
    assert run(f"import sys, vectorcache.dataframe; print({heavy})") == "set()\n"


def test_without_the_extra() -> None:
    """Where narwhals is missing, the import says what to install."""
    program = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "narwhals" else found(name)
try:
    import vectorcache.dataframe
except ModuleNotFoundError as error:
    print(error)
"""
    assert "pip install 'vectorcache-python[dataframe]'" in run(program)
