"""FastAPI: the application's client as a dependency, and errors as problem details."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from clients import KEY
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from integrations.asked import DOWN, QUESTION, TRY_AGAIN_LATER
from pydantic import BaseModel
from servers import HIT, Received, ScriptedServer, answer

from vectorcache import VectorcacheResponse
from vectorcache.integrations.fastapi import (
    PROBLEM_RESPONSES,
    VectorcacheDep,
    add_error_handler,
    vectorcache_client,
    vectorcache_lifespan,
)


class Question(BaseModel):
    prompt: str


router = APIRouter()


@router.post("/query")
async def query(question: Question, client: VectorcacheDep) -> VectorcacheResponse:
    return await client.query(question.prompt)


@pytest.fixture
def app(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    lifespan = vectorcache_lifespan(model="m", base_url=server.url, max_connections=100)
    made = FastAPI(lifespan=lifespan)
    add_error_handler(made)
    made.include_router(router)
    return made


def test_an_endpoint_asks(app: FastAPI, server: ScriptedServer) -> None:
    """The client of an endpoint has the options of the lifespan and the key of the environment."""
    with TestClient(app) as user:
        assert user.post("/query", json=QUESTION).json() == HIT
    (request,) = server.requests
    assert request.json()["model"] == "m"
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_the_description_of_a_response(app: FastAPI) -> None:
    """The OpenAPI description of an endpoint that returns a response has the response's fields."""
    description = app.openapi()
    content = description["paths"]["/query"]["post"]["responses"]["200"]["content"]
    reference = content["application/json"]["schema"]["$ref"]
    found = description["components"]["schemas"][reference.rpartition("/")[2]]
    assert reference == "#/components/schemas/VectorcacheResponse"
    assert {*HIT} <= {*found["properties"]}


def test_concurrent_requests(app: FastAPI, server: ScriptedServer) -> None:
    """Fifty requests are in progress at once, on one event loop."""
    all_here = threading.Barrier(50)

    def respond(request: Received) -> bytes:
        all_here.wait(30)
        return answer()

    server.respond = respond
    with TestClient(app) as user, ThreadPoolExecutor(50) as users:
        statuses = users.map(lambda _: user.post("/query", json=QUESTION).status_code, range(50))
        assert list(statuses) == 50 * [200]


def test_an_error_is_answered(app: FastAPI, server: ScriptedServer) -> None:
    """A failed query is answered with problem details and the service's ``Retry-After``."""
    server.default = DOWN
    with TestClient(app) as user:
        response = user.post("/query", json=QUESTION)
    assert (response.status_code, response.json()) == (503, TRY_AGAIN_LATER)
    assert response.headers["retry-after"] == "70"


def test_a_question_that_cannot_be_asked(app: FastAPI, server: ScriptedServer) -> None:
    """An invalid question is answered with problem details, an invalid body by FastAPI."""
    with TestClient(app) as user:
        ours = user.post("/query", json={"prompt": ""})
        theirs = user.post("/query", json={})
    assert ours.status_code == theirs.status_code == 422
    assert ours.json()["code"] == "invalid_question"
    assert theirs.json()["detail"][0]["type"] == "missing"
    assert server.requests == []


def test_tests_replace_the_client(app: FastAPI, server: ScriptedServer) -> None:
    """With a client from ``dependency_overrides``, no lifespan is needed."""

    class Stub:
        async def query(self, prompt: str) -> VectorcacheResponse:
            return VectorcacheResponse(True, prompt, 1.0, 0.0, "stub")

    app.dependency_overrides[vectorcache_client] = Stub
    assert TestClient(app).post("/query", json=QUESTION).json()["response"] == QUESTION["prompt"]
    assert server.requests == []


def test_the_description_does_not_show_the_client(app: FastAPI) -> None:
    """The dependency does not appear in the application's OpenAPI description."""
    operation = app.openapi()["paths"]["/query"]["post"]
    assert "parameters" not in operation
    assert operation["responses"].keys() == {"200", "422"}
    assert not [name for name in app.openapi()["components"]["schemas"] if "Client" in name]


def test_the_description_of_failed_queries() -> None:
    """``responses=PROBLEM_RESPONSES`` adds the error responses to the OpenAPI description."""
    app = FastAPI()
    app.include_router(router, responses=PROBLEM_RESPONSES)
    responses: dict[str, Any] = app.openapi()["paths"]["/query"]["post"]["responses"]
    assert responses.keys() == {"200", "422", "502", "503", "504"}
    assert "Retry-After" in responses["503"]["headers"]
    schema = responses["503"]["content"]["application/problem+json"]["schema"]
    assert schema["properties"].keys() == TRY_AGAIN_LATER.keys()
