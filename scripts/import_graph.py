"""Reads which modules of a package import which, from the source, without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

# The subpackages of an extra, or of a tool that few users need. All other modules are the core.
SUBPACKAGES = frozenset({"cli", "dataframe", "integrations", "local", "telemetry", "tuning"})


class Import(NamedTuple):
    """One module that another one imports."""

    name: str
    """The imported module, with all its parents: ``vectorcache._call.retry``."""
    line: int
    in_function: bool
    """Whether the import waits until a function is called."""
    for_types: bool
    """Whether only type checkers see it, as it stands under ``if TYPE_CHECKING:``."""


def core_modules(package: Path) -> dict[str, Path]:
    """Returns the source file of each module of the core, by the module's name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts[0] not in SUBPACKAGES:
            names = [package.name, *(part for part in parts if part != "__init__")]
            found[".".join(names)] = path
    return found


def imports_of(module: str, path: Path, package: Path) -> Iterator[Import]:
    """Yields what a module imports from its own package."""
    parent = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for statement, in_function, for_types in _imports_in(ast.parse(path.read_text("utf-8"))):
        for name in _imported_names(statement, parent, package):
            if name.partition(".")[0] == package.name:
                yield Import(name, statement.lineno, in_function, for_types)


def _imports_in(
    node: ast.AST, in_function: bool = False, for_types: bool = False
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, in_function, for_types
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for part in child.body:
                yield from _imports_in(ast.Module([part], []), in_function, True)
            yield from _imports_in(ast.Module(child.orelse, []), in_function, for_types)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports_in(child, in_function or is_function, for_types)


def _imported_names(
    statement: ast.Import | ast.ImportFrom, parent: str, package: Path
) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
        return
    base = statement.module or ""
    if statement.level:
        parts = parent.split(".")
        start = ".".join(parts[: len(parts) - statement.level + 1])
        base = f"{start}.{base}" if base else start
    for alias in statement.names:
        # The name may be a module itself, or something that the module ``base`` defines.
        name = f"{base}.{alias.name}"
        yield name if _is_module(name, package) else base


def _is_module(name: str, package: Path) -> bool:
    path = package.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def circles(imports: Mapping[str, Set[str]]) -> list[list[str]]:
    """Returns each largest group of modules that all import one another, directly or not.

    Args:
        imports: the modules that each module imports.
    """
    reached = {module: _reached_from(module, imports) for module in imports}
    groups = {
        tuple(sorted(other for other in reached[module] if module in reached.get(other, ())))
        for module in imports
        if module in reached[module]
    }
    return [list(group) for group in sorted(groups)]


def _reached_from(module: str, imports: Mapping[str, Set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting: Sequence[str] = [module]
    while waiting:
        found = {name for one in waiting for name in imports.get(one, ())} - reached
        reached |= found
        waiting = sorted(found)
    return reached
