from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.programs import Ended
from clients import KEY
from servers import HIT, Received, ScriptedServer, answer

from vectorcache.cli import main

CLI = Callable[..., Ended]


@pytest.fixture(autouse=True)
def set_up(server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user has set up: a key and an address in the environment, and a folder of files."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    monkeypatch.setenv("VECTORCACHE_BASE_URL", server.url)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CLI:
    """Runs the program in this process, where no process of its own is called for."""

    def run(*arguments: str, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        code = main(arguments)
        shown = capsys.readouterr()
        return Ended(int(code), shown.out, shown.err)

    return run


@pytest.fixture
def without_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the key from the environment."""
    monkeypatch.delenv("VECTORCACHE_API_KEY")
    assert "VECTORCACHE_API_KEY" not in os.environ


@pytest.fixture
def echo(server: ScriptedServer) -> ScriptedServer:
    """The server answers each prompt with the prompt; those that begin with "bad" with a 400."""

    def respond(request: Received) -> bytes:
        prompt = request.json()["prompt"]
        if prompt.startswith("bad"):
            return answer({"detail": "this prompt is bad"}, status=400)
        return answer({**HIT, "response": f"answer to {prompt}"})

    server.respond = respond
    return server
