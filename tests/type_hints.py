"""Finds annotations that cannot be resolved: dependency injection, beartype and FastAPI do."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, get_type_hints


def public_modules(package: ModuleType) -> Iterator[ModuleType]:
    """A package and all modules below it without an underscore, as far as they can be imported."""
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            yield import_module(found.name)


def public_callables(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """What a module defines and does not hide, with the methods and properties of its classes."""
    names = getattr(module, "__all__", [name for name in vars(module) if name[0] != "_"])
    for name in names:
        thing = getattr(module, name)
        if not (inspect.isfunction(thing) or inspect.isclass(thing)) or not _is_ours(thing):
            continue
        yield f"{module.__name__}.{name}", thing
        if inspect.isclass(thing):
            for member, found in inspect.getmembers_static(thing):
                function = _function(found)
                if (member[0] != "_" or member == "__init__") and _is_ours(function):
                    yield f"{module.__name__}.{name}.{member}", function


def _is_ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("vectorcache")


def _function(member: Any) -> Any:
    if isinstance(member, classmethod | staticmethod):
        return member.__func__
    if isinstance(member, property):
        return member.fget
    return member if inspect.isfunction(member) else None


def unresolved(module: ModuleType) -> dict[str, str]:
    """The public callables of a module with annotations that name what cannot be found."""
    found = {}
    for name, thing in public_callables(module):
        for resolve in (get_type_hints, _signature):
            try:
                resolve(thing)
            except NameError as error:
                if not _inherits_the_fault(thing):
                    found[name] = str(error)
    return found


def _inherits_the_fault(thing: Any) -> bool:
    """Whether a class of another library, from which this one is derived, has it already."""
    for base in getattr(thing, "__mro__", ())[1:]:
        if not _is_ours(base):
            try:
                get_type_hints(base)
            except NameError:
                return True
    return False


def _signature(thing: Callable[..., Any]) -> None:
    try:
        inspect.signature(thing)
    except ValueError:
        return  # Python itself has none for some classes, such as exceptions.
    inspect.signature(thing, eval_str=True)
