"""A ``VectorcacheResponse`` as a field of a pydantic model, and so of a FastAPI endpoint."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from vectorcache import DebugInfo, VectorcacheResponse

MISS = VectorcacheResponse(False, "an answer", None, 0.0, "openai")
HIT = VectorcacheResponse(
    True,
    "an answer",
    0.94,
    0.0023,
    "cache",
    DebugInfo(1.5, matched_cache_entry_id="7", extra={"score": 0.9}),
    extra={"new": [1, {"a": None}]},
)


class Chat(BaseModel):
    """A model of a user's program that holds responses."""

    last: VectorcacheResponse
    answers: list[VectorcacheResponse] = []
    debug: DebugInfo | None = None


@pytest.mark.parametrize("answer", [MISS, HIT])
def test_round_trip(answer: VectorcacheResponse) -> None:
    """A model that holds responses can be read from its own JSON and its own dictionary."""
    chat = Chat(last=answer, answers=[answer, HIT], debug=answer.debug)
    assert chat.last is answer
    for again in (
        Chat.model_validate_json(chat.model_dump_json()),
        Chat.model_validate(chat.model_dump()),
        Chat.model_validate(chat.model_dump(mode="json")),
        Chat.model_validate({"last": answer.to_dict(), "answers": [answer, HIT.to_dict()]}),
    ):
        assert again.last == answer
        assert again.answers == [answer, HIT]
        assert type(again.answers[1].debug) is DebugInfo


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_its_schema(mode: Any) -> None:
    """Its JSON Schema has the fields with their types, and what ``to_dict`` returns fits it."""
    schema = Chat.model_json_schema(mode=mode)
    assert schema["properties"]["last"] == {"$ref": "#/$defs/VectorcacheResponse"}
    found = schema["$defs"]["VectorcacheResponse"]
    types = {name: field.get("type") for name, field in found["properties"].items()}
    assert types["cache_hit"] == "boolean"
    assert types["response"] == types["llm_provider"] == "string"
    assert types["cost_saved"] == "number"
    assert found["properties"]["similarity_score"]["anyOf"] == [
        {"type": "number"},
        {"type": "null"},
    ]
    assert found["required"] == [name for name in types if name != "debug"]
    assert found["description"].startswith("The answer to a query")
    assert "total_time_ms" in schema["$defs"]["DebugInfo"]["properties"]
    for answer in (MISS, HIT):
        jsonschema.validate({"last": answer.to_dict()}, schema)


@pytest.mark.parametrize(
    "value", [{}, 3, None, {**HIT.to_dict(), "cache_hit": "maybe"}, {**HIT.to_dict(), "debug": 1}]
)
def test_an_invalid_object(value: object) -> None:
    """An object without the fields, or with other types in them, is refused by pydantic."""
    with pytest.raises(ValidationError):
        TypeAdapter(VectorcacheResponse).validate_python(value)


def test_pydantic_is_not_needed() -> None:
    """pydantic is not imported before it asks for a schema, so others do not wait for it."""
    program = "import sys, vectorcache; print(*[m for m in sys.modules if 'pydantic' in m])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"
