"""Which modules of the package may import which."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_graph import SUBPACKAGES, Import, circles, core_modules, imports_of

import vectorcache

pytestmark = pytest.mark.repository

PACKAGE = Path(vectorcache.__file__).parent
IMPORTS = {
    module: list(imports_of(module, path, PACKAGE))
    for module, path in core_modules(PACKAGE).items()
}


def test_no_circle() -> None:
    """Modules of the core can be read one after the other: none needs a later one."""
    names = {module: {found.name for found in IMPORTS[module]} - {module} for module in IMPORTS}
    assert circles(names) == []


def test_deciding_does_not_import_waiting() -> None:
    """The rules of a call hold without a network: ``_call`` imports nothing of ``_transport``."""
    assert found_in("vectorcache._call", "vectorcache._transport") == []


def test_the_core_loads_no_subpackage() -> None:
    """``import vectorcache`` loads nothing that needs an extra."""
    names = [f"vectorcache.{name}" for name in sorted(SUBPACKAGES)]
    at_import = [
        f"{module}:{found.line} imports {found.name}"
        for module, imports in IMPORTS.items()
        for found in imports
        if is_within(found.name, *names) and not found.in_function and not found.for_types
    ]
    assert at_import == []


def test_a_circle_is_found(tmp_path: Path) -> None:
    """The tests above see imports for types, in functions, of names and of whole modules."""
    package = tmp_path / "package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "__init__.py").write_text("")
    (package / "a.py").write_text("from .inner import b, nothing\nif TYPE_CHECKING:\n  import x\n")
    (package / "inner" / "b.py").write_text("def f():\n    from ..c import name\n")
    (package / "c.py").write_text(
        "if typing.TYPE_CHECKING:\n    from package.a import A\nelse:\n    import package\n"
    )
    found = {
        module: list(imports_of(module, path, package))
        for module, path in core_modules(package).items()
    }
    assert found["package.a"] == [
        Import("package.inner.b", 1, in_function=False, for_types=False),
        Import("package.inner", 1, in_function=False, for_types=False),
    ]
    assert found["package.inner.b"] == [Import("package.c", 2, in_function=True, for_types=False)]
    assert found["package.c"] == [
        Import("package.a", 2, in_function=False, for_types=True),
        Import("package", 4, in_function=False, for_types=False),
    ]
    names = {module: {one.name for one in imports} for module, imports in found.items()}
    assert circles(names) == [["package.a", "package.c", "package.inner.b"]]


def found_in(importing: str, imported: str) -> list[str]:
    return [
        f"{module}:{found.line} imports {found.name}"
        for module, imports in IMPORTS.items()
        if is_within(module, importing)
        for found in imports
        if is_within(found.name, imported)
    ]


def is_within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
