"""Starlette: a client that lives as long as the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import KEY
from integrations.asked import DOWN, REFUSED, TRY_AGAIN_LATER, with_variables
from lifetimes.programs import run
from servers import HIT, ScriptedServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from vectorcache import ConfigurationError
from vectorcache.errors import VectorcacheError
from vectorcache.integrations.starlette import (
    add_error_handler,
    answer_error,
    get_client,
    vectorcache_lifespan,
)


async def query(request: Request) -> Response:
    result = await get_client(request).query("What is ML?", "m")
    return JSONResponse(result.to_dict())


async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    result = await get_client(websocket).query(await websocket.receive_text(), "m")
    await websocket.send_text(result.response)


ROUTES = [Route("/query", query), WebSocketRoute("/chat", chat)]


@pytest.fixture(autouse=True)
def environment(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    monkeypatch.setenv("VECTORCACHE_BASE_URL", server.url)


def application(lifespan: Any = None) -> Starlette:
    made = Starlette(routes=ROUTES, lifespan=lifespan or vectorcache_lifespan())
    add_error_handler(made)
    return made


def test_the_client_lives_as_long_as_the_application(
    monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    """The client is made when the application starts, and closed when it ends."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")
    app = application()
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    for _ in range(2):
        with TestClient(app) as user:
            client = app.state.vectorcache
            assert [user.get("/query").json() for _ in range(3)] == 3 * [HIT]
            assert not client.closed
        assert client.closed
    assert server.connections == 2


def test_an_application_that_cannot_work_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key the application fails at its start, and says why."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")
    with pytest.raises(ConfigurationError, match="VECTORCACHE_API_KEY"), TestClient(application()):
        pass


def test_the_applications_own_lifespan() -> None:
    """The application's own lifespan can use the client, and its state reaches requests."""
    seen = []

    @asynccontextmanager
    async def own(app: Starlette) -> AsyncIterator[dict[str, str]]:
        result = await app.state.vectorcache.query("from the start", "m")
        yield {"first": result.response}
        seen.append(app.state.vectorcache.closed)

    async def first(request: Request) -> Response:
        return JSONResponse([request.state.first, (await query(request)).status_code])

    app = Starlette(routes=[Route("/first", first)], lifespan=vectorcache_lifespan(own))
    with TestClient(app) as user:
        assert user.get("/first").json() == [HIT["response"], 200]
    assert seen == [False]


def test_a_mounted_application(server: ScriptedServer) -> None:
    """A mounted application uses the client of the outermost application."""
    inner = Starlette(routes=ROUTES)
    add_error_handler(inner)
    with TestClient(
        Starlette(routes=[Mount("/inner", inner)], lifespan=vectorcache_lifespan())
    ) as user:
        assert user.get("/inner/query").json() == HIT
        server.default = DOWN
        assert user.get("/inner/query").json() == TRY_AGAIN_LATER


def test_a_lifespan_without_a_server() -> None:
    """Tests may run the lifespan themselves, and call the application without a socket."""
    app = application()

    async def ask() -> httpx.Response:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as user,
        ):
            return await user.get("/query")

    assert asyncio.run(ask()).json() == HIT


def test_an_error_is_answered_and_logged(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed query is answered with problem details; only the log quotes the service."""
    server.default = DOWN
    with TestClient(application()) as user:
        response = user.get("/query")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "70"
    assert response.json() == TRY_AGAIN_LATER
    (record,) = (one for one in caplog.records if "db-7.internal" in one.getMessage())
    assert record.name == "starlette.vectorcache"
    assert record.getMessage().startswith("GET '/query': 503 for ServiceUnavailableError")


PROGRAM = """
    from starlette.applications import Starlette
    from starlette.routing import Route
    from starlette.testclient import TestClient
    from vectorcache.integrations.starlette import add_error_handler, get_client
    async def query(request):
        return await get_client(request).query("Q")
    app = Starlette(routes=[Route("/query", query)])
    add_error_handler(app)
    assert TestClient(app).get("/query").status_code == 500
"""


def test_errors_show_without_configured_logging(server: ScriptedServer) -> None:
    """If no logging is configured, the errors of an application go to standard error."""
    assert run(PROGRAM, server.url).startswith("GET '/query': 500 for ConfigurationError: this app")


def test_a_handler_in_exception_handlers(server: ScriptedServer) -> None:
    """``answer_error`` may also be passed to the constructor of the application."""
    server.default = REFUSED
    app = Starlette(
        routes=ROUTES,
        lifespan=vectorcache_lifespan(),
        exception_handlers={VectorcacheError: answer_error},
    )
    with TestClient(app) as user:
        assert user.get("/query").json()["code"] == "internal_error"


@pytest.mark.parametrize(
    ("prompt", "says", "code", "reason"),
    [
        ("What is ML?", DOWN, 1013, "try_again_later"),
        ("What is ML?", REFUSED, 1011, "internal_error"),
        ("", DOWN, 1008, "invalid_question"),
    ],
)
def test_a_websocket_is_closed(
    server: ScriptedServer, prompt: str, says: bytes, code: int, reason: str
) -> None:
    """When a query fails, a WebSocket is closed with the most similar close code."""
    server.default = says
    with TestClient(application()) as user, user.websocket_connect("/chat") as websocket:
        websocket.send_text(prompt)
        with pytest.raises(WebSocketDisconnect) as caught:
            websocket.receive_text()
    assert (caught.value.code, caught.value.reason) == (code, reason)


def test_without_the_lifespan(caplog: pytest.LogCaptureFixture) -> None:
    """The error for an application without the lifespan says what is missing."""
    response = TestClient(application()).get("/query")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "lifespan=vectorcache_lifespan()" in caplog.text


def test_an_embedded_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``local=True`` the application needs neither key nor network."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")
    with TestClient(application(vectorcache_lifespan(local=True))) as user:
        assert [user.get("/query").json()["cache_hit"] for _ in range(2)] == [False, True]


def test_own_answers_in_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``llm`` and ``path`` an application is tested with its own answers."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")

    async def llm(prompt: str, model: str, context: str | None) -> str:
        return f"mine to {prompt}"

    path = tmp_path / "cache.db"
    for hit in (False, True):
        lifespan = vectorcache_lifespan(local=True, llm=llm, path=path)
        with TestClient(application(lifespan)) as user:
            found = user.get("/query").json()
        assert (found["response"], found["cache_hit"]) == ("mine to What is ML?", hit)


@pytest.mark.parametrize("option", [{"llm": lambda *_: "x"}, {"path": "cache.db"}])
def test_embedded_options_without_local(option: dict[str, Any]) -> None:
    """``llm`` and ``path`` are refused without ``local``, as they would have no effect."""
    with pytest.raises(ConfigurationError, match=r"is for the embedded cache.*set local as well"):
        vectorcache_lifespan(**option)


def test_an_unknown_option() -> None:
    """A misspelled option is refused at once, with the known names."""
    misspelled: dict[str, Any] = {"modle": "gpt-4o", "api_key": KEY}
    with pytest.raises(ConfigurationError, match=r"^unknown .*modle.*model") as caught:
        vectorcache_lifespan(**misspelled)
    del misspelled
    assert KEY not in with_variables(caught.value)


def test_a_key_in_the_options_is_never_shown() -> None:
    """The traceback of an application that does not start shows no key in its variables."""
    app = Starlette(lifespan=vectorcache_lifespan(api_key=KEY, deadline=-1))
    with pytest.raises(ConfigurationError, match="deadline") as caught, TestClient(app):
        pass
    shown = with_variables(caught.value)
    assert "make_client" in shown
    assert KEY not in shown
