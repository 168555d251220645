"""The subpackages use no private attributes of other objects."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vectorcache

PACKAGE = Path(vectorcache.__file__).parent

# Attributes that begin with an underscore, with the reason why another object's may be used.
EXCEPTIONS = {
    "_get_messages": "LlamaIndex has no public method for its chat engines to override",
    "_hidden_params": "LiteLLM keeps the details of an answer there, and its users read them there",
    "_made_here": "it belongs to the class that copies itself",
    "_request_id": "the openai package documents it as public",
}


def private_attributes(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_"):
            continue
        if node.attr.startswith("__") or node.attr in EXCEPTIONS:
            continue
        if not isinstance(node.value, ast.Name) or node.value.id not in {"self", "cls"}:
            yield node.lineno, ast.unparse(node)


@pytest.mark.parametrize("folder", ["integrations", "tuning"])
def test_no_private_attribute(folder: str) -> None:
    """Integrations and tuning do not depend on the private attributes of a client."""
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {attribute}"
        for path in sorted((PACKAGE / folder).rglob("*.py"))
        for line, attribute in private_attributes(path.read_text("utf-8"))
    ]
    assert found == []


def test_a_private_attribute_is_found() -> None:
    """The test above finds private attributes of other objects, and allows an object's own."""
    assert list(private_attributes("self._a\nclient._b\nclient.c\nself.d._e")) == [
        (2, "client._b"),
        (4, "self.d._e"),
    ]
