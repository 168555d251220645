"""The programs in scripts/."""

from __future__ import annotations

import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

pytestmark = pytest.mark.repository

ROOT = Path(__file__).parents[2]


def is_python(path: Path) -> bool:
    return path.suffix == ".py" or path.read_bytes().startswith(b"#!/usr/bin/env python")


def test_programs_in_python_are_checked() -> None:
    """ruff, mypy and pyright read every program in Python, also those without ``.py``."""
    scripts = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "scripts").iterdir()
        if path.is_file() and is_python(path)
    }
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    assert scripts - set(tools["pyright"]["include"]) == set()
    # What it imports is in the environment of the site: scripts/docs runs mypy there.
    assert scripts - set(tools["mypy"]["files"]) == {"scripts/griffe_classes.py"}
    # ruff finds what ends in .py on its own.
    without_ending = {script for script in scripts if not script.endswith(".py")}
    assert without_ending - set(tools["ruff"]["extend-include"]) == set()


def test_mutated_files_and_their_tests_exist() -> None:
    """scripts/mutate names no file and no test that was moved or removed."""
    loader = SourceFileLoader("mutate", str(ROOT / "scripts/mutate"))
    spec = spec_from_loader("mutate", loader)
    assert spec is not None
    mutate = module_from_spec(spec)
    loader.exec_module(mutate)
    for name, tests in mutate.TESTS.items():
        assert (ROOT / f"wrapper/vectorcache/{name}.py").exists()
        for test in tests:
            path, _, function = test.partition("::")
            assert (ROOT / path).exists()
            assert not function or f"def {function}(" in (ROOT / path).read_text("utf-8")
