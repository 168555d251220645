"""The operation of openapi.yaml: its answers, their headers and the examples of both.

Needs the repository and its development tools, not the installed package.
"""

from typing import Any

import pytest
from description.document import COUNT, QUERY, SCHEMAS, SPEC, Json, is_valid, resolve

pytestmark = pytest.mark.repository

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


def body(container: Json) -> Json:
    """Returns the only media type of a request or an answer."""
    assert list(container["content"]) == ["application/json"]
    media: Json = container["content"]["application/json"]
    return media


def answer(status: str) -> Json:
    """Returns the documented answer for a status."""
    return resolve(QUERY["responses"][status])


def examples(media: Json) -> dict[str, Any]:
    """Returns its examples by their names."""
    return {name: example["value"] for name, example in media["examples"].items()}


def test_one_operation() -> None:
    """The description has the one endpoint of the service, and no other."""
    assert {path: list(item) for path, item in SPEC["paths"].items()} == {
        "/v1/cache/query": ["post"]
    }


def test_server_and_key() -> None:
    """Requests go to the hosted service over HTTPS with the key as a bearer token."""
    assert [server["url"] for server in SPEC["servers"]] == ["https://api.vectorcache.com"]
    assert SPEC["security"] == [{"bearer": []}]
    scheme = SPEC["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert "security" not in QUERY


def test_statuses() -> None:
    """The description has every status that the service documents, and no other."""
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
    """The headers are whole numbers, and their descriptions name the unit."""
    header = SPEC["components"]["headers"][name]
    assert {key: header["schema"][key] for key in COUNT} == COUNT
    unit = "seconds" if name in ("Retry-After", "X-RateLimit-Reset") else "Requests"
    assert unit.lower() in header["description"].lower()
    assert all(is_valid(value, header["schema"]) for value in header["schema"]["examples"])


@pytest.mark.parametrize("name", ["minimal", "complete"])
def test_request_examples(name: str) -> None:
    """The examples of requests are valid requests."""
    media = body(QUERY["requestBody"])
    assert is_valid(examples(media)[name], media["schema"])


@pytest.mark.parametrize("status", ANSWERS)
def test_answer_examples(status: str) -> None:
    """Every example of an answer is valid and has only documented fields."""
    media = body(answer(status))
    for name, value in examples(media).items():
        assert is_valid(value, media["schema"]), name
        assert set(value) <= set(resolve(media["schema"])["properties"]), name


def test_examples_of_answers() -> None:
    """There are examples of a hit and a miss, with and without debug."""
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
def test_examples_of_both_error_shapes(status: str) -> None:
    """Every error has examples in both shapes that the service documents."""
    shown = examples(body(answer(status))).values()
    assert any("detail" in value and "error" not in value for value in shown)
    assert any({"error", "message"} <= set(value) for value in shown)


def test_examples_of_special_errors() -> None:
    """There are examples of a failed validation and of a used-up quota with its figures."""
    validation = examples(body(answer("422")))["validation"]
    assert set(validation["detail"][0]) == {"loc", "msg", "type"}
    quota = examples(body(answer("429")))["quota"]
    assert {"current_usage", "monthly_limit"} <= set(quota)
