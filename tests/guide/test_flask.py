"""The guide's Flask application, asked through Flask's own test client."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from clients import KEY
from flask import Flask
from guide.exchange import PICKED, QUESTION, REFUSED, LoadApplication
from servers import ScriptedServer


@pytest.fixture
def app(load: LoadApplication) -> Flask:
    """The application."""
    loaded: Flask = load("guide_flask").app
    return loaded


def test_returns_the_fields_it_picks(app: Flask, server: ScriptedServer) -> None:
    """The application reads the result's attributes, and answers with those it picks."""
    response = app.test_client().post("/query", json=QUESTION)
    assert response.status_code == 200
    assert response.get_json() == PICKED
    (request,) = server.requests
    assert request.json() == {
        **QUESTION,
        "model": "gpt-4o",
        "similarity_threshold": 0.85,
        "include_debug": False,
    }
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_reports_an_error(app: Flask, server: ScriptedServer) -> None:
    """An error's text can be shown as ``error``: it says what happened, and never the key."""
    server.default = REFUSED
    response = app.test_client().post("/query", json=QUESTION)
    assert response.status_code == 500
    (error,) = response.get_json().values()
    assert "Invalid API key" in error
    assert KEY not in error


def test_serves_many_users(app: Flask, server: ScriptedServer) -> None:
    """The one client that is made at import serves all of Flask's threads at once."""

    def ask(_: int) -> Any:
        return app.test_client().post("/query", json=QUESTION).get_json()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(24))) == 24 * [PICKED]
    assert len(server.requests) == 24
