"""``vectorcache chat``."""

from __future__ import annotations

import json

import pytest
from cli.conftest import CLI
from cli.programs import Terminal, run_program
from servers import HIT, MISS, ScriptedServer, answer


def test_running_totals(cli: CLI, server: ScriptedServer) -> None:
    """Each answer comes with its own figures and those of all until then."""
    server.script = [answer(MISS), answer(HIT)]
    done = cli("chat", stdin=b"What is ML?\n\nWhat is machine learning?\n")
    assert done.code == 0
    assert done.out == "Machine learning is ...\nMachine learning is ...\n"
    first, second, last = done.err.splitlines()
    assert first.startswith("[miss · answered by openai · ")
    assert first.endswith("| 1 asked · hit rate 0% · saved $0.00]")
    assert second.endswith("| 2 asked · hit rate 50% · saved $0.0023]")
    assert last == "in all: 2 asked · hit rate 50% · saved $0.0023"


def test_a_failed_question_does_not_end_it(cli: CLI, server: ScriptedServer) -> None:
    """After an error the next question is asked; in the end the exit status is 3."""
    server.script = [answer({"detail": "no"}, status=400)]
    done = cli("chat", stdin=b"one\ntwo\n")
    assert done.code == 3
    assert done.out == "Machine learning is ...\n"
    assert "1 failed" in done.err


def test_a_question_that_cannot_be_sent(cli: CLI, server: ScriptedServer) -> None:
    """One that is too long counts as failed, too."""
    done = cli("chat", stdin=32_001 * b"x" + b"\n")
    assert done.code == 3
    assert "32,001 characters" in done.err
    assert server.requests == []


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict"])
def test_a_line_that_is_not_utf8(server: ScriptedServer, encoding: str) -> None:
    """Such a line counts as failed, with its number; all others are asked, whatever the locale."""
    lines = "\ufeffWas heißt ML?\n\n".encode() + b"caf\xe9\nWhat is a tort?\n"
    env = {"PYTHONIOENCODING": encoding}
    done = run_program("chat", "--json", stdin=lines, env=env)
    assert done.code == 3
    asked = [request.json()["prompt"] for request in server.requests]
    assert asked == ["Was heißt ML?", "What is a tort?"]
    assert "standard input, line 3, is not UTF-8: byte 0xe9 after 3 characters" in done.err
    _, failed, _ = map(json.loads, done.out.splitlines())
    assert failed["error_type"] == "UsageError"


def test_a_refused_key_ends_it(cli: CLI, server: ScriptedServer) -> None:
    """With a wrong key no question could be answered."""
    server.default = answer({"detail": "Invalid API key"}, status=401)
    done = cli("chat", stdin=b"one\ntwo\n")
    assert done.code == 4
    assert len(server.requests) == 1


def test_json(cli: CLI, server: ScriptedServer) -> None:
    """``--json``: a line for each answer, each error and each ``/stats``."""
    server.script = [answer(), answer({"detail": "no"}, status=400)]
    done = cli("chat", "--json", stdin=b"one\ntwo\n/stats\n/quit\nthree\n")
    first, second, third = map(json.loads, done.out.splitlines())
    assert (first["prompt"], first["cache_hit"]) == ("one", True)
    assert (second["prompt"], second["error_type"]) == ("two", "BadRequestError")
    assert second["status_code"] == 400
    assert third["stats"]["calls"] == 2


def test_its_commands(cli: CLI, server: ScriptedServer) -> None:
    """``/stats`` shows the totals, ``/quit`` ends, and another word with a slash is not sent."""
    done = cli("chat", stdin=b"one\n/stats\n/help\n/quit\nnever\n")
    assert "hit rate 100%" in " ".join(done.out.split())
    assert "/help is not a command: /stats shows the totals" in done.err
    assert [request.json()["prompt"] for request in server.requests] == ["one"]


@pytest.mark.parametrize("end", ["quit", "exit", "Exit", "/exit"])
def test_its_commands_without_a_slash(cli: CLI, server: ScriptedServer, end: str) -> None:
    """``quit`` and ``exit`` end it and ``help`` is answered; none of them is asked."""
    done = cli("chat", stdin=f"one\nhelp\nexit strategy\n{end}\nnever\n".encode())
    assert done.code == 0
    assert "/stats shows the totals" in done.err
    asked = [request.json()["prompt"] for request in server.requests]
    assert asked == ["one", "exit strategy"]


def test_in_a_terminal(server: ScriptedServer) -> None:
    """In a terminal it prompts, answers, and Ctrl-D ends it."""
    with Terminal(["chat"]) as terminal:
        terminal.wait_for("> ")
        terminal.type("What is ML?\n")
        terminal.wait_for("| 1 asked")
        terminal.wait_for("> ")
        terminal.type("\x04")
        assert terminal.end() == 0
    assert "Machine learning is ..." in terminal.screen
    assert "in all: 1 asked · hit rate 100% · saved $0.0023" in terminal.screen


def test_ctrl_c_in_a_terminal(server: ScriptedServer) -> None:
    """Ctrl-C ends it with 130, and the totals are still told."""
    with Terminal(["chat"]) as terminal:
        terminal.wait_for("> ")
        assert terminal.interrupt() == 130
    assert "in all: 0 asked" in terminal.screen
    assert "Traceback" not in terminal.screen
