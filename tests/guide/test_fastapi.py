"""The guide's FastAPI application, served by uvicorn on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import uvicorn
from clients import KEY
from guide.exchange import QUESTION, REFUSED, LoadApplication
from listening import listening_socket
from servers import HIT, MISS, ScriptedServer, answer

DEBUG = {
    "embedding_time_ms": 12.5,
    "search_time_ms": 3,
    "total_time_ms": 16.1,
    "matched_cache_entry_id": None,
    "cache_entry_count": 1200,
}


@pytest.fixture
def user(load: LoadApplication) -> Iterator[httpx.Client]:
    """A user of the application."""
    config = uvicorn.Config(load("guide_fastapi").app, log_config=None, ws="none")
    application = uvicorn.Server(config)
    with listening_socket() as listener:
        thread = threading.Thread(target=application.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            # The listener holds connections until uvicorn accepts them, so no wait is needed.
            port = listener.getsockname()[1]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as user:
                yield user
        finally:
            application.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


@pytest.mark.parametrize(
    "fields",
    [HIT, MISS, {**HIT, "debug": DEBUG}, {**HIT, "later": [1]}],
    ids=["hit", "miss", "debug", "later"],
)
def test_returns_plain_json(
    user: httpx.Client, server: ScriptedServer, fields: dict[str, Any]
) -> None:
    """An endpoint that returns the result answers with just the fields the service sent."""
    server.default = answer(fields)
    response = user.post("/query", json=QUESTION)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == fields


def test_passes_the_question_on(user: httpx.Client, server: ScriptedServer) -> None:
    """The application sends the question to the service, with the key of the application."""
    question = {"prompt": "What is AI?", "model": "gemini-1.5-pro", "similarity_threshold": 0.92}
    user.post("/query", json=question)
    (request,) = server.requests
    assert request.json() == {**question, "include_debug": False}
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_reports_an_error(user: httpx.Client, server: ScriptedServer) -> None:
    """An error's text can be shown as ``detail``: it says what happened, and never the key."""
    server.default = REFUSED
    response = user.post("/query", json=QUESTION)
    assert response.status_code == 500
    (detail,) = response.json().values()
    assert "401" in detail
    assert "Invalid API key" in detail
    assert KEY not in detail


def test_reports_a_wrong_argument(user: httpx.Client, server: ScriptedServer) -> None:
    """An invalid question is refused with the name of the argument, and never sent."""
    response = user.post("/query", json={**QUESTION, "similarity_threshold": 1.5})
    assert response.status_code == 500
    assert "similarity_threshold" in response.json()["detail"]
    assert server.requests == []


def test_serves_many_users(user: httpx.Client, server: ScriptedServer) -> None:
    """The one client that is made at import serves every request of the application."""
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: user.post("/query", json=QUESTION), range(24))
        assert [response.json() for response in answers] == 24 * [HIT]
    assert len(server.requests) == 24
