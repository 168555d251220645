"""Django: clients for sync and async views, configured by ``settings.VECTORCACHE``."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from clients import KEY
from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, JsonResponse
from django.test import AsyncClient, Client
from django.test.utils import override_settings
from django.urls import path
from integrations.asked import DOWN, QUESTION, REFUSED, TRY_AGAIN_LATER
from lifetimes.programs import FORKING, run
from servers import HIT, ScriptedServer

from vectorcache.integrations.django import get_async_client, get_client

APP = "vectorcache.integrations.django"
MIDDLEWARE = f"{APP}.VectorcacheMiddleware"
OTHER_KEY = "vc_" + 32 * "e"


def sync_view(request: HttpRequest) -> JsonResponse:
    return JsonResponse(get_client().query(QUESTION["prompt"], "m").to_dict())


async def async_view(request: HttpRequest) -> JsonResponse:
    result = await get_async_client().query(QUESTION["prompt"], "m")
    return JsonResponse(result.to_dict())


def broken_view(request: HttpRequest) -> JsonResponse:
    raise LookupError("not of this package")


URLS = (
    path("sync", sync_view),
    path("async", async_view),
    path("broken", broken_view),
)


@pytest.fixture(autouse=True)
def project(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A project that uses the app and its middleware."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    monkeypatch.setenv("VECTORCACHE_BASE_URL", server.url)
    if not settings.configured:
        settings.configure()
    settings.SECRET_KEY = "of a test"  # Debug pages need a secret key.
    django.setup()
    middleware = ["django.middleware.security.SecurityMiddleware", MIDDLEWARE]
    with override_settings(INSTALLED_APPS=[APP], MIDDLEWARE=middleware, ROOT_URLCONF=URLS):
        yield
    gc.collect()  # An unclosed client then warns in this test, not in another.


def ask(url: str) -> Any:
    """Returns the answer under a WSGI server."""
    return Client().get(url)


async def aask(url: str) -> Any:
    """Returns the answer under an ASGI server."""
    return await AsyncClient().get(url)


@pytest.mark.parametrize("url", ["/sync", "/async"])
def test_a_view_asks(server: ScriptedServer, url: str) -> None:
    """Sync and async views can ask, under WSGI and ASGI servers."""
    with override_settings(VECTORCACHE={"CONTEXT": "faq"}):
        assert ask(url).json() == HIT
        assert asyncio.run(aask(url)).json() == HIT
    assert {request.json()["context"] for request in server.requests} == {"faq"}
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}


def test_one_sync_and_one_async_client(server: ScriptedServer) -> None:
    """All views share the project's two clients, which keep their connections."""

    async def ask_often() -> None:
        for _ in range(3):
            await aask("/async")

    for _ in range(3):
        ask("/sync")
    asyncio.run(ask_often())
    assert get_client() is get_client()
    assert get_async_client() is get_async_client()
    assert len(server.requests) == 6
    assert server.connections == 2


@pytest.mark.parametrize("url", ["/sync", "/async"])
@pytest.mark.parametrize("server_is_async", [False, True])
def test_an_error_is_answered_and_logged(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture, url: str, server_is_async: bool
) -> None:
    """A failed query is answered with problem details; only the log quotes the service."""
    server.default = DOWN
    response = asyncio.run(aask(url)) if server_is_async else ask(url)
    assert (response.status_code, response.json()) == (503, TRY_AGAIN_LATER)
    assert response["Content-Type"] == "application/problem+json"
    assert response["Retry-After"] == "70"
    # One record in Django's own log of requests, so that Django sends at most one mail.
    (record,) = (one for one in caplog.records if one.name == "django.request")
    assert "503 for ServiceUnavailableError" in record.getMessage()
    assert "db-7.internal" in record.getMessage()
    assert record.levelname == "WARNING"


def test_a_mistake_of_the_project(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    """A refused key is logged as an ERROR with its traceback, and users see only a 500."""
    server.default = REFUSED
    with override_settings(DEBUG=True):
        response = ask("/sync")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    (record,) = (one for one in caplog.records if one.name == "django.request")
    assert record.levelname == "ERROR"
    assert record.exc_info is not None


def test_other_errors_stay_djangos() -> None:
    """The middleware handles only the errors of queries."""
    with pytest.raises(LookupError, match="not of this package"):
        ask("/broken")


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("/broken", {"API_KEY": OTHER_KEY}),
        ("/sync", {"API_KEY": OTHER_KEY, "DEADLINE": -1}),
        ("/sync", {"API_KEY": OTHER_KEY, "MODLE": "m"}),
        ("/sync", {"api_key": OTHER_KEY}),
    ],
)
def test_the_debug_page_shows_no_key(url: str, value: dict[str, Any]) -> None:
    """The debug page hides a key in the settings, and in the variables that it shows."""
    user = Client(raise_request_exception=False)
    with override_settings(DEBUG=True, MIDDLEWARE=[], VECTORCACHE=value):
        page: Any = user.get(url)
    page = page.content.decode()
    assert "VECTORCACHE" in page
    assert "Traceback" in page
    assert OTHER_KEY not in page


def test_other_settings_make_other_clients() -> None:
    """In tests ``override_settings`` takes effect at once, and the replaced clients are closed."""
    before = get_client(), get_async_client()
    with override_settings(VECTORCACHE={"MODEL": "m"}):
        assert get_client()._settings.model == "m"
        within = get_client(), get_async_client()
        assert all(client.closed for client in before)
    assert all(client.closed for client in within)
    assert get_client()._settings.model is None


def test_other_settings_in_an_async_test(server: ScriptedServer) -> None:
    """``override_settings`` also takes effect at once on an event loop."""

    async def change() -> None:
        with override_settings(VECTORCACHE={"CONTEXT": "a"}):
            client = get_async_client()
            await client.query("Q", "m")
        await asyncio.sleep(0)
        assert client.closed

    asyncio.run(change())
    assert server.wait_until_idle(10)


def test_an_embedded_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``"LOCAL": True`` the project needs neither key nor network."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")
    with override_settings(VECTORCACHE={"LOCAL": True, "BASE_URL": "https://elsewhere.invalid"}):
        assert run_checks() == []
        for url in ("/sync", "/async"):
            assert [ask(url).json()["cache_hit"] for _ in range(2)] == [False, True]


def test_own_answers_in_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project is tested with its own answers; sync and async views share the file."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")

    def llm(prompt: str, model: str, context: str | None) -> str:
        return f"mine to {prompt}"

    mine = {"MODEL": "m", "LOCAL": True, "LLM": llm, "PATH": tmp_path / "cache.db"}
    with override_settings(VECTORCACHE=mine):
        assert run_checks() == []
        found = [ask(url).json() for url in ("/sync", "/async")]
    assert [answer["response"][:8] for answer in found] == ["mine to "] * 2
    assert [answer["cache_hit"] for answer in found] == [False, True]


def test_without_the_app() -> None:
    """The error for a project without the app says to add it to ``INSTALLED_APPS``."""
    with (
        override_settings(INSTALLED_APPS=[]),
        pytest.raises(ImproperlyConfigured, match=r'"vectorcache\.integrations\.django"'),
    ):
        get_client()


def test_a_valid_project() -> None:
    """``manage.py check`` finds nothing wrong, and makes no client of the project."""
    with override_settings(VECTORCACHE={"MODEL": "m", "DEADLINE": 20}):
        assert run_checks() == []
        assert apps.get_app_config("vectorcache").clients.for_sync._client is None


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"MODLE": "m"}, "unknown Vectorcache setting 'MODLE'; known settings: API_KEY, BASE_URL"),
        ({"model": "m"}, "unknown Vectorcache setting 'model'"),
        ({"HTTP_CLIENT": None}, "unknown Vectorcache setting 'HTTP_CLIENT'"),
        ({"DEADLINE": -1}, "deadline is -1"),
        ({"DEADLINE": -1, "LOCAL": True}, "deadline is -1"),
        ({"API_KEY": f"{OTHER_KEY}\n"}, "api_key is invalid"),
        ({"PATH": "cache.db"}, "path is for the embedded cache"),
        (["MODEL"], "must be a dictionary"),
    ],
)
def test_check_of_settings(value: object, says: str) -> None:
    """``manage.py check`` names an invalid setting, and shows no key."""
    with override_settings(VECTORCACHE=value):
        (found,) = run_checks()
    assert found.id == "vectorcache.E001"
    assert found.is_serious()
    assert says in found.msg
    assert OTHER_KEY not in str(found)


def test_check_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing key is only a warning, as commands without queries need none."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")
    (found,) = run_checks()
    assert (found.id, found.is_serious()) == ("vectorcache.W001", False)


def test_check_of_the_middleware() -> None:
    """A project without the middleware gets a warning about its error pages."""
    with override_settings(MIDDLEWARE=[]):
        (found,) = run_checks()
    assert found.id == "vectorcache.W002"
    assert MIDDLEWARE in found.hint


PROGRAM = """
    import django
    from django.conf import settings
    settings.configure(
        INSTALLED_APPS=["vectorcache.integrations.django"],
        VECTORCACHE={"API_KEY": KEY, "BASE_URL": URL},
    )
    django.setup()
    from vectorcache.integrations.django import get_async_client, get_client
    async def ask_async():
        await get_async_client().query("Q", "m")
    def ask():
        get_client().query("Q", "m")
        asyncio.run(ask_async())
    ask()
"""


def test_the_clients_are_closed_at_exit(server: ScriptedServer) -> None:
    """A program that ends leaves nothing open, so Python gives no warning."""
    assert run(PROGRAM, server.url) == ""


def test_forks_of_a_process_that_has_asked(server: ScriptedServer) -> None:
    """A child that is forked after the first queries has its own connections."""
    child = """
    child = os.fork()
    ask()
    if child:
        assert os.waitpid(child, 0)[1] == 0
    """
    assert run(PROGRAM + child, server.url, warnings=FORKING) == ""
    assert len(server.requests) == 6
    assert server.connections == 5  # The parent keeps those of its threads.
