"""Flask: an extension that gives each application a client and handles its errors."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
from clients import KEY
from flask import Flask, Response
from integrations.asked import DOWN, QUESTION, REFUSED, TRY_AGAIN_LATER, with_variables
from lifetimes.programs import FORKING, run
from servers import HIT, ScriptedServer

from vectorcache import ConfigurationError, VectorcacheError
from vectorcache.integrations.flask import Vectorcache

OTHER_KEY = "vc_" + 32 * "e"

vectorcache = Vectorcache()


def create_app(**settings: Any) -> Flask:
    app = Flask(__name__)
    app.config.from_mapping({"VECTORCACHE_MODEL": "m", **settings})
    vectorcache.init_app(app)

    @app.get("/query")
    def query() -> dict[str, Any]:
        return vectorcache.client.query(QUESTION["prompt"]).to_dict()

    return app


@pytest.fixture(autouse=True)
def environment(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    monkeypatch.setenv("VECTORCACHE_BASE_URL", server.url)


def test_a_view_asks(server: ScriptedServer) -> None:
    """The client of a view has the settings of ``app.config`` and the key of the environment."""
    user = create_app(VECTORCACHE_CONTEXT="faq").test_client()
    assert [user.get("/query").get_json() for _ in range(3)] == 3 * [HIT]
    assert server.connections == 1
    assert server.requests[0].json()["context"] == "faq"
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_settings_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers set by ``from_prefixed_env`` are accepted."""
    monkeypatch.setenv("FLASK_VECTORCACHE_SIMILARITY_THRESHOLD", "0.93")
    app = Flask(__name__)
    app.config.from_prefixed_env()
    Vectorcache(app)
    with app.app_context():
        assert vectorcache.client._settings.similarity_threshold == 0.93


def test_each_application_has_a_client_of_its_own(server: ScriptedServer) -> None:
    """One extension serves several applications, each with its own settings."""
    one, other = (create_app(VECTORCACHE_CONTEXT=name) for name in ("a", "b"))
    for app in (one, other):
        app.test_client().get("/query")
    assert [request.json()["context"] for request in server.requests] == ["a", "b"]
    with one.app_context():
        first = vectorcache.client
        assert vectorcache.client is first
    with other.app_context():
        assert vectorcache.client is not first


def test_an_application_without_a_key(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An application without a key can be set up; the first query says that the key is missing."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")
    response = create_app().test_client().get("/query")
    assert response.status_code == 500
    assert (response.get_json() or {})["code"] == "internal_error"
    assert "VECTORCACHE_API_KEY" in caplog.text


def test_an_error_is_answered_and_logged(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed query is answered with problem details; only the log quotes the service."""
    server.default = DOWN
    response = create_app().test_client().get("/query")
    assert (response.status_code, response.get_json()) == (503, TRY_AGAIN_LATER)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"] == "70"
    (record,) = (one for one in caplog.records if "db-7.internal" in one.getMessage())
    assert record.name == __name__  # The application's own logger.


@pytest.mark.parametrize("settings", [{"TESTING": True}, {"DEBUG": True}])
def test_an_error_is_answered_in_tests_and_debugging(
    server: ScriptedServer, settings: dict[str, bool]
) -> None:
    """Tests of an application see the same error responses as its users."""
    server.default = REFUSED
    response = create_app(**settings).test_client().get("/query")
    assert (response.get_json() or {})["code"] == "internal_error"


def test_an_applications_own_error_handler(server: ScriptedServer) -> None:
    """An application's own error handler replaces that of the extension."""
    server.default = DOWN
    app = create_app()

    @app.errorhandler(VectorcacheError)
    def answer(error: VectorcacheError) -> Response:
        return Response("ours", error.status_code)

    assert app.test_client().get("/query").text == "ours"


def test_a_key_in_the_settings_is_hidden(server: ScriptedServer) -> None:
    """A key in the settings works, and neither ``app.config`` nor a traceback shows it."""
    app = create_app(VECTORCACHE_API_KEY=OTHER_KEY)
    assert OTHER_KEY not in repr(app.config)
    app.test_client().get("/query")
    assert server.requests[0].headers["authorization"] == f"Bearer {OTHER_KEY}"

    late = create_app(VECTORCACHE_DEADLINE=-1)
    late.config["VECTORCACHE_API_KEY"] = OTHER_KEY
    with pytest.raises(ConfigurationError) as caught, late.app_context():
        vectorcache.client.query("Q")
    shown = with_variables(caught.value)
    assert "make_client" in shown
    assert OTHER_KEY not in shown


def test_an_unknown_setting() -> None:
    """A misspelled setting is refused when the application is set up."""
    with pytest.raises(
        ConfigurationError, match=r"^unknown .*VECTORCACHE_MODLE.*VECTORCACHE_MODEL"
    ):
        create_app(VECTORCACHE_MODLE="gpt-4o", VECTORCACHE_API_KEY=OTHER_KEY)


def test_setting_up_twice() -> None:
    """An application cannot be set up twice, so its client is never replaced silently."""
    with pytest.raises(ConfigurationError, match="already set up"):
        vectorcache.init_app(create_app())


def test_an_application_that_was_not_set_up() -> None:
    """Without ``init_app``, the error says to call it."""
    with Flask(__name__).app_context(), pytest.raises(ConfigurationError, match="init_app"):
        vectorcache.client.query("Q")


def test_an_embedded_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``VECTORCACHE_LOCAL`` the application uses neither key nor network."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")
    user = create_app(VECTORCACHE_LOCAL=True, VECTORCACHE_API_KEY=OTHER_KEY).test_client()
    assert [user.get("/query").get_json()["cache_hit"] for _ in range(2)] == [False, True]


def test_own_answers_in_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application is tested with its own answers, and keeps them in a file."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")

    def llm(prompt: str, model: str, context: str | None) -> str:
        return f"mine to {prompt}"

    settings = {"VECTORCACHE_LLM": llm, "VECTORCACHE_PATH": str(tmp_path / "cache.db")}
    for hit in (False, True):
        found = create_app(VECTORCACHE_LOCAL=True, **settings).test_client().get("/query")
        answered = found.get_json() or {}
        assert answered["response"] == f"mine to {QUESTION['prompt']}"
        assert answered["cache_hit"] is hit
    with pytest.raises(ConfigurationError, match="llm is for the embedded cache"):
        create_app(VECTORCACHE_LLM=llm)


def test_the_client_is_closed_with_its_application(server: ScriptedServer) -> None:
    """A collected application, as in users' tests, leaves no open connection."""
    app = create_app()
    app.test_client().get("/query")
    with app.app_context():
        client = vectorcache.client
    del app
    gc.collect()
    assert client.closed
    assert server.wait_until_idle(10)


PROGRAM = """
    from flask import Flask
    from vectorcache.integrations.flask import Vectorcache
    app = Flask("preloaded")
    app.config.update(VECTORCACHE_API_KEY=KEY, VECTORCACHE_BASE_URL=URL)
    vectorcache = Vectorcache(app)
    def ask():
        with app.app_context():
            return vectorcache.client.query("Q", "m")
    ask()
"""


def test_the_client_is_closed_at_exit(server: ScriptedServer) -> None:
    """A program that ends leaves nothing open, so Python gives no warning."""
    assert run(PROGRAM, server.url) == ""


def test_forks_of_a_process_that_has_asked(server: ScriptedServer) -> None:
    """A child that is forked after the first query has its own connections."""
    child = """
    child = os.fork()
    ask()
    if child:
        assert os.waitpid(child, 0)[1] == 0
    """
    assert run(PROGRAM + child, server.url, warnings=FORKING) == ""
    assert server.connections == 2
