"""The conformance cases, read from the JSON files in this folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FOLDER = Path(__file__).parent
SCHEMA: Json = json.loads((FOLDER / "schema.json").read_text("utf-8"))
FILES: dict[str, Json] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((FOLDER / "cases").glob("*.json"))
}

_PROPERTIES = SCHEMA["$defs"]["scripted"]["properties"]
DEFAULTS: Json = {
    "clients": SCHEMA["$defs"]["clients"]["items"]["enum"],
    "request": SCHEMA["$defs"]["request"]["default"],
    **{name: schema["default"] for name, schema in _PROPERTIES.items() if "default" in schema},
}


@dataclass(frozen=True)
class Scripted:
    """One call to a service that sends the answers of the case; see schema.json."""

    name: str
    clients: list[str]
    request: Json
    max_retries: int
    answers: list[Json]
    requests: int
    sends: Json
    outcome: Json


@dataclass(frozen=True)
class Embedded:
    """Several calls to the embedded service, one after the other; see schema.json."""

    name: str
    clients: list[str]
    calls: list[Json]


def scripted(client: str) -> list[Scripted]:
    """Returns the cases for a client: ``wrapper``, ``python`` or ``typescript``."""
    cases = []
    for case in _cases_of(client):
        if "calls" not in case:
            filled = DEFAULTS | case
            cases.append(Scripted(**{"sends": filled["request"]} | filled))
    return cases


def embedded(client: str) -> list[Embedded]:
    """Returns the cases for a client: ``wrapper``, ``python`` or ``typescript``."""
    everyone = {"clients": DEFAULTS["clients"]}
    return [Embedded(**everyone | case) for case in _cases_of(client) if "calls" in case]


def _cases_of(client: str) -> list[Json]:
    return [
        case
        for file in FILES.values()
        for case in file["cases"]
        if client in case.get("clients", DEFAULTS["clients"])
    ]
