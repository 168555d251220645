"""An extension of Griffe, for mkdocs.yml: shows classes in the API reference as a user sees them.

Griffe reads the source without importing it. Without this extension it does not know the signatures
of attrs classes and of TypedDicts, nor which base classes are private.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from dataclasses import fields
from typing import Any

from griffe import (  # pyright: ignore[reportMissingImports] - mypy has it, in scripts/docs
    Alias,
    AliasResolutionError,
    Attribute,
    Class,
    Expr,
    ExprCall,
    ExprKeyword,
    ExprName,
    ExprSubscript,
    ExprTuple,
    Extension,
    Function,
    Module,
    Parameter,
    ParameterKind,
    Parameters,
)

ATTRS = {"attrs.define", "attrs.frozen", "attrs.mutable"}
# Base classes that do not help a reader of the reference.
SILENT = {"abc.ABC", "typing.Generic", "typing.TypedDict"}
AFTER_ALL_OTHERS = 1_000_000  # Members are sorted by their line numbers.


def path_of(value: Any) -> str:
    return value.canonical_path if isinstance(value, Expr) else ""


def keywords_of(call: Any) -> dict[str, Any]:
    arguments = call.arguments if isinstance(call, ExprCall) else ()
    return {a.name: a.value for a in arguments if isinstance(a, ExprKeyword)}


def classes_in(package: Module | Class) -> Iterator[Class]:
    for member in package.members.values():
        if isinstance(member, Module | Class):
            if isinstance(member, Class):
                yield member
            yield from classes_in(member)


def functions_in(package: Module | Class) -> Iterator[Function]:
    for member in package.members.values():
        if isinstance(member, Function):
            yield member
        elif isinstance(member, Module | Class):
            yield from functions_in(member)


def private_value(name: Any, package: Module, public: set[str]) -> Any:
    """Returns the value of a private name of the package; None for any other expression."""
    path = path_of(name)
    if not path.startswith(f"{package.path}.") or path in public:
        return None
    with suppress(KeyError):
        member = package[path.removeprefix(f"{package.path}.")]
        return member.value if isinstance(member, Attribute) else None
    return None


def plain_default(default: Any, package: Module, public: set[str]) -> Any:
    """Returns a private constant's value instead of its name; "..." if it is not a literal."""
    value = private_value(default, package, public)
    if value is None:
        return default
    return value if isinstance(value, str) else "..."


def without_private_aliases(annotation: Any, package: Module, public: set[str]) -> Any:
    """Returns the annotation with each private type alias replaced by the type it stands for."""
    names = {part.name: part for part in flat(annotation)}
    values = {name: private_value(part, package, public) for name, part in names.items()}
    types = {name: value for name, value in values.items() if isinstance(value, Expr)}
    # A TypeVar is defined by a call, and an alias by any other expression.
    types = {name: value for name, value in types.items() if not isinstance(value, ExprCall)}
    return substituted(annotation, types) if types else annotation


def flat(annotation: Any) -> Iterator[ExprName]:
    parts = annotation.iterate(flat=True) if isinstance(annotation, Expr) else ()
    yield from (part for part in parts if isinstance(part, ExprName))


def modules_in(package: Module) -> Iterator[Module]:
    yield package
    for member in list(package.members.values()):
        if isinstance(member, Module):
            yield from modules_in(member)


def show_functions_before_modules(module: Module) -> None:
    """Shows an exported function instead of its module if both have the same name."""
    hidden = {str(name): module.members.get(str(name)) for name in module.exports or ()}
    for name, submodule in hidden.items():
        if isinstance(submodule, Module) and name in submodule.members:
            for member in module.members.values():
                if isinstance(member, Alias):
                    with suppress(AliasResolutionError):
                        member.resolve_target()  # Before the module is replaced.
            module.set_member(name, Alias(name, submodule.members[name], parent=module))


def parameter_of(field: Attribute, keyword_only: bool) -> Parameter | None:
    """Returns the parameter of ``__init__`` that a field becomes; None for other fields."""
    # A ClassVar is not an instance attribute, and a name without an annotation is not a field.
    if field.annotation is None or "instance-attribute" not in field.labels:
        return None
    default: Any = field.value
    options: dict[str, Any] = {}
    if path_of(field.value) == "attrs.field":
        options = keywords_of(field.value)
        default = options.get("default")
        if "factory" in options:
            default = ExprCall(options["factory"], [])
    if field.name.startswith("_") or str(options.get("init")) == "False":
        return None
    keyword_only = keyword_only or str(options.get("kw_only")) == "True"
    return Parameter(
        field.name,
        annotation=field.annotation,
        kind=ParameterKind.keyword_only if keyword_only else ParameterKind.positional_or_keyword,
        default=default,
    )


def set_signature(cls: Class, keyword_only: bool) -> None:
    """Gives a class the ``__init__`` that attrs makes of its fields."""
    found = [
        parameter_of(member, keyword_only)
        for member in cls.members.values()
        if isinstance(member, Attribute)
    ]
    parameters = [parameter for parameter in found if parameter is not None]
    parameters.sort(key=lambda parameter: parameter.kind is ParameterKind.keyword_only)
    own = Parameter("self", kind=ParameterKind.positional_or_keyword)
    init = Function("__init__", parameters=Parameters(own, *parameters), parent=cls)
    cls.set_member("__init__", init)


def public_paths(package: Module) -> set[str]:
    """Returns the paths at which the names that public modules export are defined."""
    paths = set()
    modules = [package]
    while modules:
        module = modules.pop()
        inner = (m for m in module.members.values() if isinstance(m, Module))
        modules += [m for m in inner if not m.name.startswith("_")]
        for name in module.exports or ():
            member = module.members.get(str(name))
            if member is not None:
                paths.add(member.target_path if isinstance(member, Alias) else member.path)
    return paths


def substituted(value: Any, types: dict[str, Any]) -> Any:
    """Returns a copy of an annotation with its type variables replaced."""
    if isinstance(value, list):
        return [substituted(part, types) for part in value]
    if isinstance(value, ExprName) and value.name in types:
        return types[value.name]
    if not isinstance(value, Expr):
        return value
    result = copy(value)
    for field in fields(value):
        if field.name != "parent":
            setattr(result, field.name, substituted(getattr(value, field.name), types))
    return result


def arguments_of(subscript: Any) -> list[Any]:
    """Returns the arguments in the brackets of a generic class."""
    if not isinstance(subscript, ExprSubscript):
        return []
    inside = subscript.slice
    return list(inside.elements) if isinstance(inside, ExprTuple) else [inside]


class Classes(Extension):
    """Gives attrs classes and TypedDicts their signatures, and removes private base classes."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        classes = list(classes_in(pkg))
        public = public_paths(pkg)
        for cls in classes:
            decorators = [decorator.value for decorator in cls.decorators]
            if "typing.TypedDict" in map(path_of, cls.bases):
                set_signature(cls, keyword_only=True)
            for decorator in decorators:
                if path_of(decorator) in ATTRS:
                    given = keywords_of(decorator).get("kw_only")
                    set_signature(cls, keyword_only=str(given) == "True")
        for function in functions_in(pkg):
            function.returns = without_private_aliases(function.returns, pkg, public)
            for parameter in function.parameters:
                parameter.default = plain_default(parameter.default, pkg, public)
                parameter.annotation = without_private_aliases(parameter.annotation, pkg, public)
        for cls in classes:
            if cls.path in public:
                cls.bases = self.public_bases(cls, cls, public)
        for module in list(modules_in(pkg)):
            show_functions_before_modules(module)

    def public_bases(self, cls: Class, heir: Class, public: set[str]) -> list[Any]:
        """Returns the base classes of ``cls``, with each private one replaced by its own bases.

        What ``heir`` inherits from a private base class is copied into ``heir``.
        """
        resolved = {base.path: base for base in cls.resolved_bases if isinstance(base, Class)}
        bases: list[Any] = []
        for base in cls.bases:
            parent = resolved.get(path_of(base))
            if parent is None or parent.path in public:
                bases += [] if path_of(base) in SILENT else [base]
                continue
            bases += self.public_bases(parent, heir, public)
            generic = [b for b in parent.bases if path_of(b) == "typing.Generic"]
            variables = [str(name) for b in generic for name in arguments_of(b)]
            types = dict(zip(variables, arguments_of(base), strict=False))
            for name, member in parent.members.items():
                if name not in heir.members and isinstance(member, Function | Attribute):
                    heir.set_member(name, moved(member, heir, types))
        return bases


def moved(member: Function | Attribute, heir: Class, types: dict[str, Any]) -> Any:
    """Returns a copy of a member, as if it were defined at the end of ``heir``."""
    result = copy(member)
    result.parent = heir
    result.lineno = AFTER_ALL_OTHERS + (member.lineno or 0)
    if isinstance(result, Function) and isinstance(member, Function):
        result.parameters = Parameters(
            *(
                Parameter(
                    parameter.name,
                    annotation=substituted(parameter.annotation, types),
                    kind=parameter.kind,
                    default=parameter.default,
                )
                for parameter in member.parameters
            )
        )
    if member.docstring is not None:
        result.docstring = copy(member.docstring)
        result.docstring.parent = result
    return result
