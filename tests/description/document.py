"""Loads openapi.yaml, and resolves references in it."""

from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

Json = dict[str, Any]

SPEC: Json = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text("utf-8"))
SCHEMAS: Json = SPEC["components"]["schemas"]
QUERY: Json = SPEC["paths"]["/v1/cache/query"]["post"]

# The schema of a whole number.
COUNT = {"type": "integer", "format": "int64", "minimum": 0}


def resolve(node: Json) -> Json:
    """Returns the object itself, or the object that it refers to."""
    if "$ref" not in node:
        return node
    found = SPEC
    for part in node["$ref"].split("/")[1:]:
        found = found[part]
    return found


def is_valid(value: Any, schema: Json) -> bool:
    """Returns whether the value is valid by the schema."""
    rooted = schema | {"components": SPEC["components"]}
    Draft202012Validator.check_schema(rooted)
    return Draft202012Validator(rooted).is_valid(value)
