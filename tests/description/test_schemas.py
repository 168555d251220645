"""The schemas of openapi.yaml say what the service takes and gives.

Needs the repository and its development tools, not the installed package.
"""

from collections.abc import Iterator

import pytest
from description.document import COUNT, QUERY, SCHEMAS, SPEC, Json, is_valid, resolve

pytestmark = pytest.mark.repository

DOUBLE = {"type": "number", "format": "double"}
MILLISECONDS = DOUBLE | {"minimum": 0}

# Schema → (the required fields, all fields without their descriptions).
FACTS: dict[str, tuple[set[str], Json]] = {
    "QueryRequest": (
        {"prompt", "model"},
        {
            "prompt": {"type": "string", "minLength": 1, "maxLength": 32_000},
            "model": {"type": "string"},
            "similarity_threshold": DOUBLE | {"minimum": 0, "maximum": 1, "default": 0.85},
            "context": {"type": ["string", "null"], "default": None},
            "include_debug": {"type": "boolean", "default": False},
            "project_id": {"type": "string"},
        },
    ),
    "QueryResponse": (
        {"cache_hit", "response", "cost_saved", "llm_provider"},
        {
            "cache_hit": {"type": "boolean"},
            "response": {"type": "string"},
            "similarity_score": {"type": ["number", "null"], "format": "double"},
            "cost_saved": DOUBLE | {"minimum": 0},
            "llm_provider": {"type": "string"},
            "debug": {"$ref": "#/components/schemas/DebugInfo"},
        },
    ),
    "DebugInfo": (
        set(),
        {
            "embedding_time_ms": MILLISECONDS,
            "search_time_ms": MILLISECONDS,
            "total_time_ms": MILLISECONDS,
            "matched_cache_entry_id": {"type": ["string", "null"]},
            "cache_entry_count": COUNT,
        },
    ),
    "ApiError": (
        set(),
        {
            "detail": {},  # a text, or a list where the fields do not validate
            "error": {"type": "string"},
            "message": {"type": "string"},
            "retry_after": DOUBLE | {"minimum": 0},
            "fallback": {"type": "string"},
            "current_usage": COUNT,
            "monthly_limit": COUNT,
        },
    ),
}

REQUEST: Json = {"prompt": "What is ML?", "model": "gpt-4o"}
ANSWER: Json = {"cache_hit": False, "response": "…", "cost_saved": 0, "llm_provider": "openai"}


def walk(node: object, path: str = "#") -> Iterator[tuple[str, Json]]:
    """Yields every schema that has a type, with its place."""
    if isinstance(node, dict):
        if "type" in node:
            yield path, node
        for key, child in node.items():
            if key not in ("examples", "securitySchemes"):
                yield from walk(child, f"{path}/{key}")


def test_names_for_generators() -> None:
    """Every language gets a function `queryCache` in a group `cache`, and no type named Error."""
    assert (QUERY["operationId"], QUERY["tags"]) == ("queryCache", ["cache"])
    assert set(SCHEMAS) == set(FACTS)


@pytest.mark.parametrize("name", FACTS)
def test_required_fields(name: str) -> None:
    """A field is required only where the service always has it."""
    assert set(SCHEMAS[name].get("required", [])) == FACTS[name][0]


@pytest.mark.parametrize("name", FACTS)
def test_fields(name: str) -> None:
    """Every field has the service's type, default and limits."""
    prose = ("description", "examples")
    assert {
        field: {key: value for key, value in schema.items() if key not in prose}
        for field, schema in SCHEMAS[name]["properties"].items()
    } == FACTS[name][1]


@pytest.mark.parametrize("name", FACTS)
def test_descriptions(name: str) -> None:
    """Every schema and every field is explained."""
    assert SCHEMAS[name]["description"]
    for field, schema in SCHEMAS[name]["properties"].items():
        assert resolve(schema)["description"], field


@pytest.mark.parametrize(
    ("schema", "field", "unit"),
    [
        ("QueryResponse", "cost_saved", "US dollars"),
        ("DebugInfo", "embedding_time_ms", "milliseconds"),
        ("DebugInfo", "search_time_ms", "milliseconds"),
        ("DebugInfo", "total_time_ms", "milliseconds"),
        ("ApiError", "retry_after", "seconds"),
    ],
)
def test_units(schema: str, field: str, unit: str) -> None:
    """The description of every quantity names its unit."""
    assert unit in SCHEMAS[schema]["properties"][field]["description"]


@pytest.mark.parametrize("name", ["QueryResponse", "DebugInfo", "ApiError"])
def test_unknown_fields(name: str) -> None:
    """A field that the service adds later does not break a client."""
    assert SCHEMAS[name]["additionalProperties"] is True


def test_number_formats() -> None:
    """Typed languages get 64-bit numbers everywhere."""
    formats = {"number": "double", "integer": "int64"}
    for path, schema in walk(SPEC):
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        for name in formats.keys() & set(types):
            assert schema.get("format") == formats[name], path


@pytest.mark.parametrize("name", FACTS)
def test_field_examples(name: str) -> None:
    """The examples and defaults of single fields are valid values of them."""
    for field, schema in SCHEMAS[name]["properties"].items():
        values = schema.get("examples", []) + [schema[k] for k in ("default",) if k in schema]
        assert all(is_valid(value, schema) for value in values), field


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": ""},
        {"prompt": "x" * 32_001},
        {"prompt": None},
        {"model": None},
        {"similarity_threshold": -0.01},
        {"similarity_threshold": 1.01},
        {"similarity_threshold": None},
        {"context": 1},
        {"include_debug": "yes"},
        {"project_id": None},
    ],
    ids=lambda changed: "-".join(f"{k}={str(v)[:9]}" for k, v in changed.items()),
)
def test_refused_requests(changed: Json) -> None:
    """A request outside the limits is not valid by the description."""
    assert is_valid(REQUEST, SCHEMAS["QueryRequest"])
    assert not is_valid(REQUEST | changed, SCHEMAS["QueryRequest"])


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": "x" * 32_000},
        {"similarity_threshold": 0},
        {"similarity_threshold": 1},
        {"context": None},
        {"model": "an-unknown-model"},
    ],
    ids=lambda changed: "-".join(f"{k}={str(v)[:9]}" for k, v in changed.items()),
)
def test_accepted_requests(changed: Json) -> None:
    """A request at the limits is valid."""
    assert is_valid(REQUEST | changed, SCHEMAS["QueryRequest"])


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"similarity_score": None},
        {"similarity_score": 1},
        {"cost_saved": 0.002},
        {"debug": {}},
        {"debug": {"matched_cache_entry_id": "not-a-uuid", "shard": 3}},
        {"new_field": [1]},
    ],
    ids=str,
)
def test_accepted_answers(changed: Json) -> None:
    """Every answer that the service gives, or may give later, is valid."""
    assert is_valid(ANSWER | changed, SCHEMAS["QueryResponse"])


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"detail": "Invalid API key"},
        {"detail": [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"}]},
        {"error": "x", "message": "y"},
        {"error": "x", "message": "y", "retry_after": 60, "fallback": "z", "trace": "t"},
    ],
    ids=str,
)
def test_accepted_errors(value: Json) -> None:
    """Every shape of an error body is valid by the one schema."""
    assert is_valid(value, SCHEMAS["ApiError"])
