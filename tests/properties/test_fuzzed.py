"""Tries the inputs of the fuzzer again: its corpus, and every input that once caused a failure.

scripts/fuzz writes new failures to fuzz/crashes. They fail here until they are fixed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.repository

FUZZ = Path(__file__).parents[2] / "fuzz"
TARGETS = sorted(path.stem for path in FUZZ.glob("targets/*.py"))


@pytest.fixture(autouse=True)
def targets_importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(FUZZ))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "targets"]:
        del sys.modules[name]


def inputs(folder: str) -> list[Path]:
    return sorted(path for path in FUZZ.glob(f"{folder}/*/*") if path.is_file())


@pytest.mark.parametrize("path", inputs("crashes"), ids=lambda path: "/".join(path.parts[-2:]))
def test_earlier_failures(path: Path) -> None:
    """Every input that once caused a failure passes now."""
    import_module(f"targets.{path.parent.name}").check(path.read_bytes())


@pytest.mark.parametrize("target", [name for name in TARGETS if (FUZZ / "corpus" / name).is_dir()])
def test_the_corpus(target: str) -> None:
    """Every input of the corpus, which together cover the code, passes."""
    check = import_module(f"targets.{target}").check
    found = [path for path in inputs("corpus") if path.parent.name == target]
    assert found
    for path in found:
        check(path.read_bytes())
