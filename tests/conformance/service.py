"""The services of the cases: one that sends the answers of a case, and the embedded one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from clients import KEY
from conformance.cases import Json, Scripted
from description.document import SCHEMAS
from jsonschema import Draft202012Validator
from local.serving import served
from servers import Received, ScriptedServer, Step, answer, hang_up

from vectorcache.local import app

_REQUEST = SCHEMAS["QueryRequest"]
_DEFAULTS = {
    name: field["default"] for name, field in _REQUEST["properties"].items() if "default" in field
}


class ConformanceService:
    """Answers each request as its case says, and checks the request.

    Every run of a case has a base URL of its own. A GET of that URL tells programs in any language
    what was wrong with the requests of the run.
    """

    def __init__(self, cases: list[Scripted]) -> None:
        self._cases = {case.name: case for case in cases}
        self._seen: dict[str, list[Received]] = {}
        self._server = ScriptedServer()
        self._server.respond = self._respond
        self.url = self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._server.__exit__(*details)

    def address(self, run: str, case: Scripted) -> str:
        """Returns the base URL for a run of a case; the name of a run is free."""
        return f"{self.url}/{run}/{case.name}"

    def problems(self, run: str, case: Scripted) -> list[str]:
        """Returns what was wrong with the requests of a run; an empty list if nothing was."""
        seen = self._seen.get(f"{run}/{case.name}", [])
        found = [problem for request in seen for problem in _problems(request, case)]
        if len(seen) != case.requests:
            found.append(f"{len(seen)} requests, not {case.requests}")
        return found

    def _respond(self, request: Received) -> Step:
        method, path, _ = request.line.split(" ")
        run, name = path.split("/")[1:3]
        case = self._cases[name]
        if method == "GET":
            return answer(self.problems(run, case))
        seen = self._seen.setdefault(f"{run}/{name}", [])
        seen.append(request)
        return _step(case.answers[min(len(seen), len(case.answers)) - 1])


def _step(told: Json) -> Step:
    if "hangs_up" in told:
        return hang_up
    raw = told["text"].encode() if "text" in told else None
    return answer(told.get("body"), status=told["status"], headers=told.get("headers"), raw=raw)


def _problems(request: Received, case: Scripted) -> Iterator[str]:
    method, path, _ = request.line.split(" ")
    if (method, path.partition(case.name)[2]) != ("POST", "/v1/cache/query"):
        yield f"{request.line!r} is not a query"
    expected = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    for name, value in expected.items():
        if request.headers.get(name) != value:
            yield f"{name} is {request.headers.get(name)!r}, not {value!r}"
    try:
        body: Any = json.loads(request.body)
    except ValueError:
        yield f"the body is not JSON: {request.body!r}"
        return
    for error in Draft202012Validator(_REQUEST).iter_errors(body):
        yield f"openapi.yaml does not allow that: {error.message}"
    # A field that is left out means its default.
    if _DEFAULTS | body != _DEFAULTS | case.sends:
        yield f"the body is {body}, not {case.sends}"


@contextmanager
def embedded_service() -> Iterator[str]:
    """The embedded service on loopback, with an empty cache; yields its base URL."""
    with served(app(llm=lambda prompt, model, context: f"An answer to: {prompt}")) as url:
        yield url
