"""The example applications under their real servers: load, a killed worker, an outage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from clients import KEY
from integrations.application import EXAMPLES, running
from integrations.crowd import AT_ONCE, Reply, ask, ask_many, post
from integrations.embedded_service import INTERNALS, RETRY_AFTER, EmbeddedService, answer_to

pytestmark = pytest.mark.repository

UVICORN = ("uvicorn", "--workers", "2", "--fd", "{fd}", "--log-level", "warning")
GUNICORN = (
    *("gunicorn", "--preload", "--workers", "2", "--bind", "fd://{fd}"),
    "--no-control-socket",
)
DJANGO = "django_app.asgi:application"


@pytest.mark.parametrize(
    ("command", "folder", "paths"),
    [
        pytest.param(
            (*UVICORN, "main:app"), EXAMPLES / "fastapi_app", ["/query"], id="fastapi-uvicorn"
        ),
        pytest.param(
            (*GUNICORN, "--threads", "8", "app:create_app()"),
            EXAMPLES / "flask_app",
            ["/query"],
            id="flask-gunicorn",
        ),
        pytest.param((*UVICORN, DJANGO), EXAMPLES, ["/query", "/query/sync"], id="django-uvicorn"),
        pytest.param(
            (*GUNICORN, "--worker-class", "asgi", DJANGO),
            EXAMPLES,
            ["/query", "/query/sync"],
            id="django-gunicorn",
        ),
    ],
)
def test_every_request_is_answered(
    command: Sequence[str], folder: Path, paths: Sequence[str]
) -> None:
    """All of 2,000 requests, 50 at once, get a proper answer despite a kill and an outage."""
    log: list[str] = []
    with EmbeddedService() as service, running(command, folder, service.url, log) as application:

        def fail() -> None:
            service.failing = True

        port, kill = application.port, application.kill_a_worker
        bad = [(ask(port, path, ""), post(port, path, "{")) for path in paths]
        before = ask_many(port, paths, 800, {300: kill})
        during = ask_many(port, paths, 500, {100: fail, 300: service.go_away})
        service.failing = False
        service.come_back()
        after = ask_many(port, paths, 700, {})

    for empty, broken in bad:
        assert (empty.status, empty.json()["code"]) == (422, "invalid_question")
        assert broken.status in (400, 422)  # The status depends on the framework.
    for reply in before + after:
        assert reply.status == 200, reply
        assert reply.json()["response"] == answer_to(reply.prompt)
    failed = [reply for reply in during if reply.status != 200]
    assert len(failed) >= 300
    for reply in failed:
        check_refusal(reply, service)
    # Both kinds of outage: error responses of the service, and refused connections.
    said = [reply for reply in failed if reply.headers["retry-after"] == RETRY_AFTER]
    refused = [reply for reply in failed if reply.headers["retry-after"] == "10"]
    assert said and refused and len(said) + len(refused) == len(failed)

    resets = [reply for reply in before + during + after if reply.resets]
    assert len(resets) <= AT_ONCE  # At most the requests of the killed worker.
    assert log[0].count(INTERNALS) == len(said)  # Each error is logged once.
    assert KEY not in log[0]
    assert "was not closed" not in log[0]


def check_refusal(reply: Reply, service: EmbeddedService) -> None:
    assert reply.status == 503, reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["code"] == "try_again_later"
    for secret in (KEY, INTERNALS, service.url, "vectorcache", "Traceback"):
        assert secret.encode() not in reply.body
