"""All names of telemetry are in one module, and follow the conventions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import vectorcache
from vectorcache.telemetry import names

PACKAGE = Path(vectorcache.__file__).parent / "telemetry"
NAMES = {value for value in vars(names).values() if isinstance(value, str)}


def convention(module: str) -> set[str]:
    """Returns all names that a module of OpenTelemetry lists."""
    found = vars(import_module(f"opentelemetry.semconv.{module}"))
    return {value for name, value in found.items() if name.isupper()}


def test_stable_names() -> None:
    """Names without our prefix or that of GenAI are in the stable conventions."""
    stable: set[str] = set()
    for group in ("error", "exception", "http", "server"):
        stable |= convention(f"attributes.{group}_attributes")
    groups = ("error.", "exception.", "http.", "server.")
    ours = {name for name in NAMES if name.startswith(groups)}
    assert len(ours) == 5
    assert ours <= stable


def test_genai_names() -> None:
    """Names that begin with gen_ai are in the GenAI conventions."""
    pytest.importorskip("opentelemetry.semconv._incubating.attributes.gen_ai_attributes")
    known = convention("_incubating.attributes.gen_ai_attributes")
    known |= convention("_incubating.metrics.gen_ai_metrics")
    if "gen_ai.provider.name" not in known:
        pytest.skip("this environment has older conventions")
    ours = {name for name in NAMES if name.startswith("gen_ai.")}
    assert len(ours) == 6
    assert ours <= known


def literals(path: Path) -> Iterator[str]:
    """Returns the texts in a module's code, without its docstrings."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            node.value = ast.Constant(None)  # A docstring.
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_they_are_in_one_module() -> None:
    """No other module of telemetry contains a name as text."""
    modules = [path for path in PACKAGE.glob("*.py") if path.name != "names.py"]
    assert len(modules) > 5
    spelt = {name for name in NAMES if "." in name or name.startswith("vectorcache_")}
    for path in modules:
        assert not spelt & set(literals(path)), path.name


def test_ours_are_under_our_own() -> None:
    """Names without a convention begin with ``vectorcache.``, and no name occurs twice."""
    dotted = [
        value
        for name, value in vars(names).items()
        if isinstance(value, str) and "." in value and "/" not in value and name.isupper()
    ]
    conventions = ("gen_ai.", "error.", "exception.", "http.", "server.")
    for name in dotted:
        assert name.startswith(("vectorcache.", *conventions))
    metrics = [value for name, value in vars(names).items() if name.endswith("_METRIC")]
    assert len(set(metrics)) == len(metrics)
