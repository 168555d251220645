"""Ctrl-C in the middle of ``vectorcache batch``."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path

from cli.conftest import CLI
from cli.programs import COMMAND, WAIT, environment
from cli.row_files import prompts, write_rows
from cli.stopped_batch import WORDS
from servers import Received, ScriptedServer, answer


class Holding:
    """Holds the answers back until the test lets them go."""

    def __init__(self, server: ScriptedServer, in_progress: int) -> None:
        self.all_there = threading.Barrier(in_progress + 1)
        self.released = threading.Event()
        server.respond = self

    def __call__(self, request: Received) -> bytes:
        if not self.released.is_set():
            self.all_there.wait(WAIT)
            assert self.released.wait(WAIT)
        return answer()


def begin(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )


def test_ctrl_c(cli: CLI, server: ScriptedServer) -> None:
    """Ctrl-C waits for the prompts in progress, keeps their answers, and says how to go on."""
    write_rows("in.jsonl", prompts(20))
    holding = Holding(server, 4)
    with begin(*WORDS) as process:
        holding.all_there.wait(WAIT)
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        seen = b"".join(iter(process.stderr.readline, b"\n"))
        seen += process.stderr.readline()
        holding.released.set()
        _, rest = process.communicate(timeout=WAIT)
    assert process.returncode == 130
    assert b"Ctrl-C again leaves at once" in seen + rest
    assert b"stopped with 4 of 20 prompts answered" in rest
    assert cli(*WORDS).code == 0
    assert len(server.requests) == 20


def test_ctrl_c_twice(cli: CLI, server: ScriptedServer) -> None:
    """A second Ctrl-C does not wait; only the prompts in progress are asked again."""
    write_rows("in.jsonl", prompts(20))
    holding = Holding(server, 4)
    with begin(*WORDS) as process:
        holding.all_there.wait(WAIT)
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        assert b"".join(process.stderr.readline() for _ in range(2)).endswith(b"at once\n")
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=WAIT)
    holding.released.set()
    assert process.returncode == 130
    assert b"stopped with 0 of 20 prompts answered" in rest
    assert b"Traceback" not in rest
    assert cli(*WORDS).code == 0
    assert len(server.requests) == 24


def test_ctrl_c_that_is_ignored(server: ScriptedServer) -> None:
    """In a script's background, where Ctrl-C is for others, it goes on."""
    write_rows("in.jsonl", prompts(20))
    holding = Holding(server, 4)
    with subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *COMMAND, *WORDS],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as process:
        holding.all_there.wait(WAIT)
        process.send_signal(signal.SIGINT)
        holding.released.set()
        process.communicate(timeout=WAIT)
    assert process.returncode == 0
    assert Path("out.jsonl").exists()
