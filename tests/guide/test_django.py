"""The guide's Django view, asked through Django's own test client and its URLs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from clients import KEY
from django.conf import settings
from django.test import Client
from django.test.utils import override_settings
from django.urls import path
from guide.exchange import PICKED, QUESTION, REFUSED, LoadApplication
from servers import ScriptedServer

# The view of the guide makes a client for each request and never closes it, so that Python warns.
# In all other tests this warning is an error.
pytestmark = pytest.mark.filterwarnings(
    "ignore:VectorcacheClient .* was not closed:ResourceWarning"
)


@pytest.fixture
def user(load: LoadApplication) -> Iterator[Client]:
    """A user of the application."""
    if not settings.configured:
        settings.configure()
    view = load("guide_django").CacheQueryView
    with override_settings(ROOT_URLCONF=(path("query", view.as_view()),)):
        yield Client()


def ask(user: Client) -> Any:
    """Returns the answer of the view, whose objects have been freed afterwards."""
    response = user.post("/query", QUESTION, "application/json")
    gc.collect()
    return response


def test_returns_the_fields_it_picks(user: Client, server: ScriptedServer) -> None:
    """The view reads the result's attributes, and answers with those it picks."""
    response = ask(user)
    assert response.status_code == 200
    assert response.json() == PICKED
    (request,) = server.requests
    assert request.json() == {
        **QUESTION,
        "model": "gpt-4o",
        "similarity_threshold": 0.85,
        "include_debug": False,
    }
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_reports_an_error(user: Client, server: ScriptedServer) -> None:
    """An error's text can be shown as ``error``: it says what happened, and never the key."""
    server.default = REFUSED
    response = ask(user)
    assert response.status_code == 500
    (error,) = response.json().values()
    assert "Invalid API key" in error
    assert KEY not in error


def test_serves_request_after_request(user: Client, server: ScriptedServer) -> None:
    """A new client for each request gets an answer each time."""
    assert [ask(user).json() for _ in range(10)] == 10 * [PICKED]
    assert len(server.requests) == server.connections == 10


def test_says_that_the_view_leaves_its_client_open(user: Client) -> None:
    """A warning says that the client of the view was not closed, and what to do."""
    with pytest.warns(ResourceWarning, match=r"VectorcacheClient .* was not closed: use it"):
        ask(user)
