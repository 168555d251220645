"""A change to openapi.yaml that would break a client does not pass unless its version says so.

Needs the repository and its development tools, not the installed package.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from description.document import SPEC

pytestmark = pytest.mark.repository

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
PATH = "/v1/cache/query"

Change = Callable[[Any], object]


def check_breaking(*arguments: Path) -> subprocess.CompletedProcess[str]:
    """Runs scripts/check-breaking with the tools of this environment."""
    return subprocess.run(
        [ROOT / "scripts" / "check-breaking", *arguments],
        env=os.environ | {"PYTHON_BIN_DIR": str(TOOLS)},
        capture_output=True,
        text=True,
        check=False,
    )


def changed(
    folder: Path, *changes: Change, before: str = "1.4.2", after: str = "1.4.2"
) -> subprocess.CompletedProcess[str]:
    """Returns the report on the description and a copy of it with some changes."""
    files = []
    for name, version, edits in (("base", before, ()), ("revision", after, changes)):
        # A copy in which no two places share an object.
        spec = yaml.safe_load(yaml.dump(SPEC, Dumper=Plain))
        spec["info"]["version"] = version
        for edit in edits:
            edit(spec)
        files.append(folder / f"{name}.yaml")
        files[-1].write_text(yaml.dump(spec, Dumper=Plain, sort_keys=False), "utf-8")
    return check_breaking(*files)


class Plain(yaml.SafeDumper):
    """Writes an object in full each time it occurs, without YAML aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def schema(spec: Any, name: str) -> Any:
    return spec["components"]["schemas"][name]


def field(spec: Any, name: str) -> Any:
    """Returns the field that ``Schema.field`` names."""
    owner, _, own = name.partition(".")
    return schema(spec, owner)["properties"][own]


def query(spec: Any) -> Any:
    return spec["paths"][PATH]["post"]


def remove(name: str) -> Change:
    owner, _, own = name.partition(".")
    return lambda spec: schema(spec, owner)["properties"].pop(own)


def update(name: str, **values: Any) -> Change:
    return lambda spec: field(spec, name).update(values)


def add(owner: str, **fields: Any) -> Change:
    return lambda spec: schema(spec, owner)["properties"].update(fields)


def require(owner: str, name: str) -> Change:
    return lambda spec: schema(spec, owner)["required"].append(name)


def rename_schema(spec: Any) -> None:
    schemas = spec["components"]["schemas"]
    schemas["Answer"] = schemas.pop("QueryResponse")
    media = query(spec)["responses"]["200"]["content"]["application/json"]
    media["schema"] = {"$ref": "#/components/schemas/Answer"}


def new_endpoint(spec: Any) -> None:
    spec["paths"]["/v1/cache/entries"] = {
        "delete": {
            "tags": ["cache"],
            "operationId": "deleteEntries",
            "responses": {"204": {"description": "Gone"}},
        }
    }


# What it is, how to do it, and what a line of the report must have.
BREAKS: dict[str, tuple[Change, str, str]] = {
    "a field of the answer is gone": (
        remove("QueryResponse.similarity_score"),
        "similarity_score",
        "property-removed",
    ),
    "a field of an error is gone": (
        remove("ApiError.retry_after"),
        "retry_after",
        "property-removed",
    ),
    "a field of the request is gone": (
        remove("QueryRequest.include_debug"),
        "include_debug",
        "it was removed",
    ),
    "a field of the request is required": (
        require("QueryRequest", "context"),
        "`context`",
        "required-properties-added",
    ),
    "a new field of the request is required": (
        lambda spec: (
            add("QueryRequest", tenant={"type": "string"})(spec),
            require("QueryRequest", "tenant")(spec),
        ),
        "`tenant`",
        "required-properties-added",
    ),
    "a field of the answer may be absent": (
        lambda spec: schema(spec, "QueryResponse")["required"].remove("llm_provider"),
        "`llm_provider`",
        "required-properties-removed",
    ),
    "a field of the answer may be null": (
        update("QueryResponse.response", type=["string", "null"]),
        "properties/response",
        "schema-type-changed",
    ),
    "a field of the answer has another type": (
        update("QueryResponse.cost_saved", type="string"),
        "cost_saved",
        "schema-type-changed",
    ),
    "a field of the request has another type": (
        update("QueryRequest.project_id", type="integer"),
        "project_id",
        "schema-type-changed",
    ),
    "a number of the answer has another format": (
        update("DebugInfo.cache_entry_count", format="int32"),
        "cache_entry_count",
        "schema-constraint-changed",
    ),
    "an open set is closed": (
        update("QueryRequest.model", enum=["gpt-4o", "gemini-1.5-pro"]),
        "properties/model",
        "enum-values-removed",
    ),
    "a maximum is lower": (
        update("QueryRequest.similarity_threshold", maximum=0.99),
        "similarity_threshold",
        "schema-constraint-changed",
    ),
    "a text must be shorter": (
        update("QueryRequest.prompt", maxLength=16_000),
        "properties/prompt",
        "schema-constraint-changed",
    ),
    "a default is another": (
        update("QueryRequest.similarity_threshold", default=0.9),
        "similarity_threshold",
        "default changed",
    ),
    "a status is gone": (
        lambda spec: query(spec)["responses"].pop("503"),
        "responses/503",
        "response-removed",
    ),
    "a header is gone": (
        lambda spec: spec["components"]["responses"]["TooManyRequests"]["headers"].pop(
            "Retry-After"
        ),
        "Retry-After",
        "response-header-removed",
    ),
    "a function has another name": (
        lambda spec: query(spec).update(operationId="ask"),
        "queryCache",
        "operation-id-changed",
    ),
    "a module has another name": (
        lambda spec: query(spec).update(tags=["queries"]),
        f"paths/{PATH}/post",
        "tags changed",
    ),
    "the key goes elsewhere": (
        lambda spec: spec["components"]["securitySchemes"]["bearer"].update(scheme="basic"),
        "bearer",
        "security-scheme-changed",
    ),
    "the server is another": (
        lambda spec: spec["servers"][0].update(url="https://api.example.com"),
        "api.vectorcache.com",
        "server-removed",
    ),
}

# Those that hide others.
ALONE: dict[str, tuple[Change, str, str]] = {
    "an endpoint has another address": (
        lambda spec: spec["paths"].update({"/v2/cache/query": spec["paths"].pop(PATH)}),
        PATH,
        "path-removed",
    ),
    "an endpoint has another method": (
        lambda spec: spec["paths"][PATH].update(put=spec["paths"][PATH].pop("post")),
        f"{PATH}/post",
        "operation-removed",
    ),
    "a class has another name": (rename_schema, "schemas/QueryResponse", "it was removed"),
}

HARMLESS: dict[str, Change] = {
    "a field of the request is new": add("QueryRequest", language={"type": "string"}),
    "a field of the answer is new": add("QueryResponse", cached_at={"type": "string"}),
    "a field of the answer is always there": require("QueryResponse", "similarity_score"),
    "a field of the request may be left out": lambda spec: schema(spec, "QueryRequest")[
        "required"
    ].remove("model"),
    "a text may be longer": update("QueryRequest.prompt", maxLength=64_000),
    "an endpoint is new": new_endpoint,
    "a status is new": lambda spec: query(spec)["responses"].update(
        {"504": {"description": "A proxy gave up."}}
    ),
    "a server is new": lambda spec: spec["servers"].append({"url": "https://eu.example.com"}),
    "other words": lambda spec: query(spec).update(description="Asks.", summary="Asks"),
    "other examples": lambda spec: query(spec)["requestBody"]["content"]["application/json"].pop(
        "examples"
    ),
}


def reports(printed: str, place: str, rule: str) -> bool:
    return any(place in line and rule in line for line in printed.splitlines())


@pytest.fixture(scope="module")
def all_at_once(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The report on a revision with all of ``BREAKS``: one run takes half a second."""
    changes = [change for change, _, _ in BREAKS.values()]
    return changed(tmp_path_factory.mktemp("descriptions"), *changes)


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_fails(all_at_once: subprocess.CompletedProcess[str], name: str) -> None:
    """A breaking change is named, with the version that would allow it."""
    _, place, rule = BREAKS[name]
    assert reports(all_at_once.stdout, place, rule), all_at_once.stdout
    assert all_at_once.returncode == 1
    assert "set info.version, which is 1.4.2, to 2.0.0" in all_at_once.stderr


@pytest.mark.parametrize("name", ALONE)
def test_a_break_of_much_fails(tmp_path: Path, name: str) -> None:
    """The removal of a whole endpoint or class is named, too."""
    change, place, rule = ALONE[name]
    result = changed(tmp_path, change)
    assert reports(result.stdout, place, rule), result.stdout
    assert result.returncode == 1


def test_what_breaks_nothing_passes(tmp_path: Path) -> None:
    """Additions and changed descriptions need no new version, however many there are."""
    result = changed(tmp_path, *HARMLESS.values())
    assert (result.returncode, result.stdout) == (
        0,
        "Nothing since version 1.4.2 breaks a client.\n",
    )


@pytest.mark.parametrize(
    ("before", "after", "passes"),
    [
        ("1.4.2", "2.0.0", True),
        ("1.4.2", "10.0.0", True),
        ("1.4.2", "1.5.0", False),
        ("2.0.0", "1.9.0", False),
        ("0.4.2", "0.5.0", True),
        ("0.4.2", "1.0.0", True),
        ("0.4.2", "0.4.3", False),
    ],
)
def test_a_break_passes_with_its_version(
    tmp_path: Path, before: str, after: str, passes: bool
) -> None:
    """A new major version allows a break; before 1.0 a new minor version does."""
    result = changed(tmp_path, BREAKS["a maximum is lower"][0], before=before, after=after)
    assert (result.returncode == 0) is passes, result.stderr
    assert "schema-constraint-changed" in result.stdout


def test_this_description() -> None:
    """The present description breaks no client of the released one."""
    result = check_breaking()
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_cannot_be_compared_fails(tmp_path: Path) -> None:
    """A file that is missing or not an OpenAPI description fails the check."""
    (tmp_path / "broken.yaml").write_text("openapi: [", "utf-8")
    for name, words in (("none.yaml", "no such file"), ("broken.yaml", "could not be compared")):
        result = check_breaking(tmp_path / name)
        assert result.returncode == 1
        assert words in result.stderr
