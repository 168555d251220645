"""openapi.yaml says what the service does.

Needs the repository and its development tools, not the installed package.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

pytestmark = pytest.mark.repository

Json = dict[str, Any]

SPEC: Json = yaml.safe_load((Path(__file__).parent.parent / "openapi.yaml").read_text("utf-8"))
SCHEMAS: Json = SPEC["components"]["schemas"]
QUERY: Json = SPEC["paths"]["/v1/cache/query"]["post"]

DOUBLE = {"type": "number", "format": "double"}
COUNT = {"type": "integer", "format": "int64", "minimum": 0}
MILLISECONDS = DOUBLE | {"minimum": 0}

# Schema → (the fields always there, every field without its prose).
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

RATE_LIMIT = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
THROTTLED = RATE_LIMIT | {"Retry-After"}

# Status → (schema, headers).
ANSWERS = {
    "200": ("QueryResponse", RATE_LIMIT),
    "400": ("ApiError", RATE_LIMIT),
    "401": ("ApiError", RATE_LIMIT),
    "403": ("ApiError", RATE_LIMIT),
    "404": ("ApiError", RATE_LIMIT),
    "422": ("ApiError", RATE_LIMIT),
    "429": ("ApiError", THROTTLED),
    "500": ("ApiError", RATE_LIMIT),
    "502": ("ApiError", RATE_LIMIT),
    "503": ("ApiError", THROTTLED),
}
ERRORS = sorted(ANSWERS.keys() - {"200"})

REQUEST: Json = {"prompt": "What is ML?", "model": "gpt-4o"}
ANSWER: Json = {"cache_hit": False, "response": "…", "cost_saved": 0, "llm_provider": "openai"}


def resolve(node: Json) -> Json:
    """The object itself, or the one it refers to."""
    if "$ref" not in node:
        return node
    found = SPEC
    for part in node["$ref"].split("/")[1:]:
        found = found[part]
    return found


def body(container: Json) -> Json:
    """The one media type of a request or an answer."""
    assert list(container["content"]) == ["application/json"]
    media: Json = container["content"]["application/json"]
    return media


def answer(status: str) -> Json:
    """The answer documented for a status."""
    return resolve(QUERY["responses"][status])


def examples(media: Json) -> dict[str, Any]:
    """Its named examples."""
    return {name: example["value"] for name, example in media["examples"].items()}


def is_valid(value: Any, schema: Json) -> bool:
    """Whether the value satisfies the schema."""
    rooted = schema | {"components": SPEC["components"]}
    Draft202012Validator.check_schema(rooted)
    return Draft202012Validator(rooted).is_valid(value)


def walk(node: object, path: str = "#") -> Iterator[tuple[str, Json]]:
    """Every schema with a type, with its place."""
    if isinstance(node, dict):
        if "type" in node:
            yield path, node
        for key, child in node.items():
            if key not in ("examples", "securitySchemes"):
                yield from walk(child, f"{path}/{key}")


def test_one_operation() -> None:
    """The description has the service's one endpoint, and nothing the service does not have."""
    assert {path: list(item) for path, item in SPEC["paths"].items()} == {
        "/v1/cache/query": ["post"]
    }


def test_names_for_generators() -> None:
    """Every language gets a function `queryCache` in a group `cache`, and no type named Error."""
    assert (QUERY["operationId"], QUERY["tags"]) == ("queryCache", ["cache"])
    assert set(SCHEMAS) == set(FACTS)


def test_server_and_key() -> None:
    """Requests go to the hosted service over HTTPS with the key as a bearer token."""
    assert [server["url"] for server in SPEC["servers"]] == ["https://api.vectorcache.com"]
    assert SPEC["security"] == [{"bearer": []}]
    scheme = SPEC["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert "security" not in QUERY


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
    """A quantity says its unit."""
    assert unit in SCHEMAS[schema]["properties"][field]["description"]


@pytest.mark.parametrize("name", ["QueryResponse", "DebugInfo", "ApiError"])
def test_unknown_fields(name: str) -> None:
    """A field that the service adds later does not break a client."""
    assert SCHEMAS[name]["additionalProperties"] is True


def test_statuses() -> None:
    """Every status that the service documents is here, and no other."""
    assert set(QUERY["responses"]) == set(ANSWERS)


@pytest.mark.parametrize("status", ANSWERS)
def test_answers(status: str) -> None:
    """Every status has its body, its headers and an explanation."""
    schema, headers = ANSWERS[status]
    found = answer(status)
    assert body(found)["schema"] == {"$ref": f"#/components/schemas/{schema}"}
    assert set(found["headers"]) == headers
    assert found["description"]


@pytest.mark.parametrize("name", sorted(THROTTLED))
def test_headers(name: str) -> None:
    """The headers are whole numbers whose unit is said."""
    header = SPEC["components"]["headers"][name]
    assert {key: header["schema"][key] for key in COUNT} == COUNT
    unit = "seconds" if name in ("Retry-After", "X-RateLimit-Reset") else "Requests"
    assert unit.lower() in header["description"].lower()
    assert all(is_valid(value, header["schema"]) for value in header["schema"]["examples"])


def test_number_formats() -> None:
    """Typed languages get 64-bit numbers everywhere."""
    formats = {"number": "double", "integer": "int64"}
    for path, schema in walk(SPEC):
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        for name in formats.keys() & set(types):
            assert schema.get("format") == formats[name], path


@pytest.mark.parametrize("name", ["minimal", "complete"])
def test_request_examples(name: str) -> None:
    """The request examples can be sent as they stand."""
    media = body(QUERY["requestBody"])
    assert is_valid(examples(media)[name], media["schema"])


@pytest.mark.parametrize("status", ANSWERS)
def test_answer_examples(status: str) -> None:
    """Every example of an answer is one the service could give, with no field unexplained."""
    media = body(answer(status))
    for name, value in examples(media).items():
        assert is_valid(value, media["schema"]), name
        assert set(value) <= set(resolve(media["schema"])["properties"]), name


@pytest.mark.parametrize("name", FACTS)
def test_field_examples(name: str) -> None:
    """The examples and defaults of single fields are valid values of them."""
    for field, schema in SCHEMAS[name]["properties"].items():
        values = schema.get("examples", []) + [schema[k] for k in ("default",) if k in schema]
        assert all(is_valid(value, schema) for value in values), field


def test_answers_shown() -> None:
    """A hit, a miss and the debug answers of both are shown."""
    shown = examples(body(answer("200")))
    assert {name: (value["cache_hit"], "debug" in value) for name, value in shown.items()} == {
        "hit": (True, False),
        "miss": (False, False),
        "debug": (True, True),
        "debugMiss": (False, True),
    }
    for value in shown.values():
        hit = value["cache_hit"]
        assert (value["llm_provider"] == "cache") is hit
        assert (value["cost_saved"] > 0) is hit
        assert (value["similarity_score"] is not None) is hit
        if "debug" in value:
            assert set(value["debug"]) == set(SCHEMAS["DebugInfo"]["properties"])
            assert (value["debug"]["matched_cache_entry_id"] is not None) is hit


@pytest.mark.parametrize("status", ERRORS)
def test_both_error_shapes_shown(status: str) -> None:
    """Every error is shown in both shapes that the service's documents have."""
    shown = examples(body(answer(status))).values()
    assert any("detail" in value and "error" not in value for value in shown)
    assert any({"error", "message"} <= set(value) for value in shown)


def test_special_errors_shown() -> None:
    """The list of a failed validation and the counters of a used-up quota are shown."""
    validation = examples(body(answer("422")))["validation"]
    assert set(validation["detail"][0]) == {"loc", "msg", "type"}
    quota = examples(body(answer("429")))["quota"]
    assert {"current_usage", "monthly_limit"} <= set(quota)


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
    """A request outside the limits does not satisfy the description."""
    assert is_valid(REQUEST, SCHEMAS["QueryRequest"])
    assert not is_valid(REQUEST | changed, SCHEMAS["QueryRequest"])


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": "x" * 32_000},
        {"similarity_threshold": 0},
        {"similarity_threshold": 1},
        {"context": None},
        {"model": "a-model-nobody-knows-yet"},
    ],
    ids=lambda changed: "-".join(f"{k}={str(v)[:9]}" for k, v in changed.items()),
)
def test_accepted_requests(changed: Json) -> None:
    """A request at the limits satisfies it."""
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
    """Every answer that the service is known to give, or may come to give, satisfies it."""
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
    """Every shape of error body satisfies the one schema."""
    assert is_valid(value, SCHEMAS["ApiError"])
