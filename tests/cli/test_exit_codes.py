"""The exit status, by which scripts tell what happened."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from cli.conftest import CLI
from cli.programs import COMMAND, WAIT, environment
from servers import Received, ScriptedServer, answer, hang_up

import vectorcache.cli.query as query_module


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, 1, "BadRequestError"),
        (401, 4, "AuthenticationError"),
        (403, 4, "PermissionDeniedError"),
        (404, 1, "NotFoundError"),
        (422, 1, "NotCacheableError"),
        (429, 1, "RateLimitError"),
        (500, 1, "InternalServerError"),
        (503, 1, "ServiceUnavailableError"),
    ],
)
def test_what_the_service_says(
    cli: CLI, server: ScriptedServer, status: int, code: int, error: str
) -> None:
    """1 for a failure of the service, 4 for a refused key; ``--json`` tells more of the error."""
    server.default = answer(
        {"detail": "no, no"}, status=status, headers={"X-Request-ID": "r-1", "Retry-After": "90"}
    )
    done = cli("query", "Q", "--json")
    assert done.code == code
    fields = json.loads(done.out)
    assert (fields["error_type"], fields["status_code"]) == (error, status)
    assert fields["request_id"] == "r-1"
    assert "no, no" in fields["error"]
    assert done.err == f"vectorcache: {fields['error']}\n"


def test_no_connection(cli: CLI, server: ScriptedServer) -> None:
    """1 where nothing answers, with what was tried."""
    server.default = hang_up
    done = cli("query", "Q", "--max-retries", "0")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("vectorcache: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["query", "Q", "--nope"],
        ["query", "Q", "--threshold", "2"],
        ["batch", "missing.jsonl", "out.jsonl"],
        ["batch", "in.jsonl"],
        ["stats"],
        ["completion", "tcsh"],
        ["serve", "--port", "99999"],
    ],
    ids=" ".join,
)
def test_wrong_usage(cli: CLI, arguments: list[str]) -> None:
    """2 for wrong usage; with ``--json`` standard output has an object that says so."""
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("vectorcache: ")
    assert done.err.count("\n") == 1
    as_json = cli(*arguments, "--json")
    assert as_json.code == 2
    assert json.loads(as_json.out)["error"] in as_json.err


def test_a_command_that_is_not_there(cli: CLI) -> None:
    """An unknown command names those that there are."""
    assert "there is no command 'qery': there are query, chat, batch" in cli("qery", "Q").err


@pytest.mark.parametrize("arguments", [[], ["--help"], ["query", "--help"], ["--version"]])
def test_help(cli: CLI, arguments: list[str]) -> None:
    """Help and version are results: 0, on standard output."""
    done = cli(*arguments)
    assert (done.code, done.err) == (0, "")
    assert "vectorcache" in done.out


def test_the_help_names_the_statuses(cli: CLI) -> None:
    """The exit statuses are in the help."""
    text = " ".join(cli("--help").out.split())
    for part in ("0 fine", "1 the service", "2 wrong usage", "3 finished but", "4 the key", "130"):
        assert part in text


def test_ctrl_c(server: ScriptedServer) -> None:
    """130 after Ctrl-C, without a traceback."""
    arrived, over = threading.Event(), threading.Event()

    def hold(request: Received) -> bytes:
        arrived.set()
        over.wait(WAIT)
        return answer()

    server.respond = hold
    with subprocess.Popen(
        [*COMMAND, "query", "Q"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert arrived.wait(WAIT)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT)
    over.set()
    assert process.returncode == 130
    assert out == b""
    assert err == b"\n"


def test_an_unforeseen_error(cli: CLI, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program itself is one message and 1; ``--traceback`` shows where it is."""
    monkeypatch.setattr(query_module, "fields_of", lambda _: 1 / 0)
    done = cli("query", "Q")
    assert done.code == 1
    assert "unforeseen ZeroDivisionError: division by zero" in done.err
    assert "Traceback" not in done.err
    done = cli("query", "Q", "--traceback")
    assert "Traceback (most recent call last)" in done.err
    assert done.code == 1


def test_a_file_that_may_not_be_read(cli: CLI) -> None:
    """A folder instead of a file is refused with a message."""
    Path("folder.jsonl").mkdir()
    done = cli("batch", "folder.jsonl", "out.jsonl")
    assert done.code == 2
    assert "folder.jsonl" in done.err
    assert not Path("out.jsonl.batch").exists()
