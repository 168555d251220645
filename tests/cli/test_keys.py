"""The API key comes from the environment or a hidden prompt, and is in no output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
from cli.conftest import CLI
from cli.programs import COMMAND, WAIT, Terminal, environment
from clients import KEY
from servers import HIT, Received, ScriptedServer, answer

from vectorcache.cli import api_key, main

SECRET = KEY.removeprefix("vc_")
# What a service may hand out instead of keys of the usual form.
ODD_KEY = "an-odd/key+0123"


def repeat_the_key(request: Received) -> bytes:
    """Answers with whatever was sent, wherever an answer has room for it."""
    sent = request.headers.get("authorization", "")
    fields = {**HIT, "response": f"You sent {sent}", "llm_provider": sent, "note": sent}
    return answer(
        {**fields, "debug": {"matched_cache_entry_id": sent}}, headers={"X-Request-ID": sent}
    )


def refuse_and_repeat(request: Received) -> bytes:
    sent = request.headers.get("authorization", "")
    return answer({"detail": f"{sent} is wrong"}, status=401, headers={"X-Request-ID": sent})


@pytest.fixture(autouse=True)
def prompts(tmp_path: Path) -> None:
    Path("in.jsonl").write_text('{"prompt": "one"}\n{"prompt": "two"}\n')


COMMANDS = [
    ["query", "Q", "--debug-info"],
    ["chat"],
    ["batch", "in.jsonl", "out.jsonl"],
    ["batch", "in.jsonl", "-"],
    ["doctor"],
]


@pytest.mark.parametrize("options", [["--traceback"], ["--json"]], ids=str)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("respond", [repeat_the_key, refuse_and_repeat])
@pytest.mark.parametrize("key", [KEY, ODD_KEY])
def test_a_server_that_repeats_it(
    cli: CLI,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    respond: object,
    command: list[str],
    options: list[str],
    key: str,
) -> None:
    """Whatever a server says, no command shows the key, and no file has it."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", key)
    server.respond = respond  # type: ignore[assignment]  # One of the two above.
    done = cli(*command, *options, stdin=b"one\n/stats\n")
    assert any(key in request.headers.get("authorization", "") for request in server.requests)
    files = b"".join(path.read_bytes() for path in Path().iterdir())
    shown = f"{done.out}{done.err}{files.decode(errors='replace')}"
    # Tables break lines, and may do so within a word.
    assert key.removeprefix("vc_") not in "".join(shown.split())
    if respond is repeat_the_key and command[0] == "query":
        assert "[key removed]" in done.out


@pytest.mark.parametrize(
    "option", ["--api-key", f"--api-key={KEY}", "--key", "--token", f"--vectorcache-api-key={KEY}"]
)
def test_no_option_takes_it(cli: CLI, server: ScriptedServer, option: str) -> None:
    """Who passes it as an argument is told why not, without its being repeated."""
    done = cli("query", "Q", option, KEY)
    assert done.code == 4
    assert "Set the environment variable VECTORCACHE_API_KEY" in done.err
    assert SECRET not in done.out + done.err
    assert server.requests == []


@pytest.mark.parametrize(
    "arguments",
    [["query", "Q", "-k", KEY], ["query", KEY, "extra"], ["query", f"--{KEY}", "Q"], [KEY]],
)
def test_a_mistyped_command_line(cli: CLI, arguments: list[str]) -> None:
    """Nor is it repeated by a message about the rest of the command line."""
    done = cli(*arguments)
    assert done.code == 2
    assert SECRET not in done.out + done.err


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] != "doctor"], ids=" ".join)
def test_without_a_key(cli: CLI, without_key: None, command: list[str]) -> None:
    """Without a key and a terminal, each command ends with 4 and says what to set."""
    done = cli(*command, stdin=b"one\n")
    assert (done.code, done.out) == (4, "")
    assert "set the environment variable VECTORCACHE_API_KEY, or use --local" in done.err


@pytest.mark.parametrize("value", ["vc 0a1b", "vc_0a1b\n", "schlüssel"])
def test_what_cannot_be_a_key(cli: CLI, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A key with a line end or the like ends with 4, and is not shown."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", value)
    done = cli("query", "Q")
    assert done.code == 4
    assert "VECTORCACHE_API_KEY is invalid" in done.err
    assert value.strip() not in done.err


def test_no_terminal_no_question(server: ScriptedServer, without_key: None) -> None:
    """Under cron, or with pipes that stay open, the program does not wait for a typed key."""
    process = subprocess.Popen(
        [*COMMAND, "query", "Q"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.wait(WAIT) == 4
    process.communicate()


def test_a_typed_key(server: ScriptedServer, without_key: None) -> None:
    """In a terminal it is asked for once, not shown, and removed from what the service repeats."""
    server.respond = repeat_the_key
    with Terminal(["query", "Q", "--json"]) as terminal:
        terminal.wait_for("Vectorcache API key (not shown): ")
        terminal.type(f"{ODD_KEY}\n")
        assert terminal.end() == 0
    assert server.requests[0].headers["authorization"] == f"Bearer {ODD_KEY}"
    assert ODD_KEY not in terminal.screen
    assert "[key removed]" in terminal.screen
    assert terminal.screen.count("not shown") == 1


def test_doctor_asks_for_it_once(server: ScriptedServer, without_key: None) -> None:
    """``doctor`` looks at the key and then uses it, and asks once."""
    with Terminal(["doctor", "--json"]) as terminal:
        terminal.wait_for("not shown): ")
        terminal.type(f"{KEY}\n")
        assert terminal.end() == 0
    assert terminal.screen.count("not shown") == 1
    assert SECRET not in terminal.screen


def test_nothing_is_typed(server: ScriptedServer, without_key: None) -> None:
    """Ctrl-D instead of a key ends with 4."""
    with Terminal(["query", "Q"]) as terminal:
        terminal.wait_for("not shown): ")
        terminal.type("\x04")
        assert terminal.end() == 4
    assert server.requests == []


def test_a_typed_key_is_forgotten(
    server: ScriptedServer,
    without_key: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A program that runs ``main`` twice has the key asked for twice: nothing stays behind."""
    asked = []

    def type_key(prompt: str) -> str:
        asked.append(prompt)
        return f"key-number-{len(asked)}"

    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(sys, stream, Mock(wraps=getattr(sys, stream), isatty=lambda: True))
    monkeypatch.setattr(api_key, "getpass", type_key)
    for _ in range(2):
        assert main(["query", "Q", "--json"]) == 0
    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == ["Bearer key-number-1", "Bearer key-number-2"]
    assert "key-number-1" in api_key.without_key("key-number-1")
