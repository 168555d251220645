"""The cases themselves are well-formed and complete."""

from __future__ import annotations

import httpx
import pytest
from conformance.cases import DEFAULTS, FILES, SCHEMA, Json, embedded, scripted
from conformance.service import ConformanceService
from description.document import QUERY, SCHEMAS, is_valid
from jsonschema import Draft202012Validator

CASES: list[Json] = [case for file in FILES.values() for case in file["cases"]]
ANSWERS: list[Json] = [answer for case in CASES for answer in case.get("answers", [])]
DOCUMENTED = {int(status) for status in QUERY["responses"]}


@pytest.mark.parametrize("file", FILES)
def test_files_are_as_the_schema_says(file: str) -> None:
    """All cases fit schema.json, so that a program in any language can read them."""
    Draft202012Validator.check_schema(SCHEMA)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(FILES[file])] == []


def test_names_are_unique() -> None:
    """Each name belongs to one case only, in all files."""
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names)


def test_embedded_cases_share_no_model() -> None:
    """No case finds an entry of another case, in whatever order they run."""
    used = [
        {call["request"]["model"] for call in case["calls"]} for case in CASES if "calls" in case
    ]
    assert sum(len(models) for models in used) == len(set().union(*used))


def test_every_documented_status_is_there() -> None:
    """Every answer of the description is in some case for each client."""
    for client in DEFAULTS["clients"]:
        statuses = {a.get("status") for case in scripted(client) for a in case.answers}
        assert statuses >= DOCUMENTED, client
        assert embedded(client)


@pytest.mark.parametrize("status", sorted(DOCUMENTED - {200}))
def test_error_bodies_are_as_the_description_says(status: int) -> None:
    """The errors in the cases fit the description of the service."""
    bodies = [a["body"] for a in ANSWERS if a.get("status") == status and "body" in a]
    assert bodies
    assert all(is_valid(body, SCHEMAS["ApiError"]) for body in bodies)


def test_the_service_checks_requests() -> None:
    """A request that differs from that of the case is reported, also by HTTP."""
    case = next(case for case in scripted("python") if case.name == "every-field-of-a-query")
    with ConformanceService([case]) as service, httpx.Client() as client:
        address = service.address("run", case)
        wrong = {"prompt": "", "model": "gpt-4o", "similarity_threshold": 2}
        client.post(f"{address}/v2/other", content=b"{")
        client.post(f"{address}/v1/cache/query", json=wrong)
        problems = client.get(address).json()
    assert problems == service.problems("run", case)
    for part in (
        "is not a query",
        "content-type is None",
        "authorization is None",
        "not JSON",
        "'' should be non-empty",
        "2 is greater than the maximum",
        "the body is {'prompt': ''",
        "2 requests, not 1",
    ):
        assert any(part in problem for problem in problems), part
