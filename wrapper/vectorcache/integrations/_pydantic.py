"""Lets pydantic read, write and describe a response; imported only when pydantic asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import attrs
from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

# Fields that the JSON of a response does not have under these names.
_NOT_IN_JSON = ("extra", "meta")


def pydantic_schema(
    kind: type[Any],
    to_dict: Callable[[Any], dict[str, Any]],
    schema_for: Callable[[Any], CoreSchema],
) -> CoreSchema:
    """Returns pydantic's schema for an attrs class, as an object with the fields of that class.

    An instance is accepted unchanged. An object with these fields, as JSON or a mapping, becomes an
    instance, and its other fields become the ``extra`` of the instance.

    Args:
        kind: the class, whose instances have ``extra``.
        to_dict: returns an instance as JSON values.
        schema_for: returns the schema of a field's type.
    """
    hints = get_type_hints(kind)
    names = [field.name for field in attrs.fields(kind) if field.name not in _NOT_IN_JSON]
    required = {field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING}

    def read(value: object, checked: Callable[[object], dict[str, Any]]) -> Any:
        if isinstance(value, kind):
            return value
        found = checked(value)
        known = {name: found.pop(name) for name in names if name in found}
        return kind(**known, extra=found)

    fields = core_schema.typed_dict_schema(
        {
            name: core_schema.typed_dict_field(schema_for(hints[name]), required=name in required)
            for name in names
        },
        extra_behavior="allow",
    )
    return core_schema.no_info_wrap_validator_function(
        read,
        fields,
        # Without a schema of the result, because pydantic would then serialise the result again.
        serialization=core_schema.plain_serializer_function_ser_schema(to_dict),
        # An OpenAPI description then defines the class once, by its name, and refers to it.
        ref=f"{kind.__module__}.{kind.__qualname__}:{id(kind)}",
    )


def json_schema(
    kind: type[Any], schema: CoreSchema, handler: GetJsonSchemaHandler
) -> JsonSchemaValue:
    """Returns the JSON Schema for a schema of ``pydantic_schema``, with a title and a description.

    Args:
        kind: the class.
        schema: its schema.
        handler: describes schemas.
    """
    found = handler(schema)
    text = (kind.__doc__ or "").partition("\n")[0]
    handler.resolve_ref_schema(found).update(title=kind.__name__, description=text)
    return found
