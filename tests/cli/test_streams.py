"""What the program does where its output leads to something unusual, or nowhere."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from cli.conftest import CLI
from cli.programs import COMMAND, WAIT, Terminal, environment, run_program
from servers import HIT, ScriptedServer, answer

# All bidirectional controls, separators of lines, and annotations.
HIDDEN = (
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2066\u2067\u2068\u2069\u2028\u2029\ufff9\ufffb"
)
ESCAPES = "\x1b[31mred\x1b]0;title\x07 \x9b2J\rgone\tkept\nkept"


def shell(line: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Runs a line of shell in which ``vectorcache`` is the program."""
    return subprocess.run(
        ["sh", "-c", f'vectorcache() {{ "$0" -m vectorcache.cli "$@"; }}; {line}', COMMAND[0]],
        input=stdin,
        capture_output=True,
        env=environment(),
        timeout=WAIT,
        check=False,
    )


def test_a_reader_that_goes(tmp_path: Path) -> None:
    """``| head -1`` ends the program quietly: 141, and no traceback."""
    Path("in.jsonl").write_text(200 * '{"prompt": "one"}\n')
    done = shell("{ vectorcache batch in.jsonl -; echo $? >status; } | head -1")
    assert json.loads(done.stdout)["prompt"] == "one"
    assert Path("status").read_text() == "141\n"
    assert done.stderr == b""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams(server: ScriptedServer, closed: str) -> None:
    """A stream that is closed gets nothing; the question is asked all the same."""
    done = shell(f"vectorcache query Q {closed}")
    assert done.returncode == 0
    assert len(server.requests) == 1
    assert (b"Machine learning" in done.stdout) == (">&-" not in closed.split())
    assert b"Traceback" not in done.stderr


def test_closed_input_has_no_prompt() -> None:
    """Without a prompt and with standard input closed there is nothing to ask: 2."""
    done = shell("vectorcache query <&-")
    assert done.returncode == 2
    assert b"prompt is empty" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("options", ["", "--json"])
def test_a_full_disk_behind_the_output(options: str) -> None:
    """An answer that cannot be written is a failure, said on standard error."""
    done = shell(f"vectorcache query Q {options} > /dev/full")
    assert done.returncode == 1
    assert b"No space left on device: standard output" in done.stderr
    assert b"Traceback" not in done.stderr


def test_few_characters() -> None:
    """Where the output knows only ASCII, other characters are escaped, and nothing fails."""
    done = run_program("query", "Q", env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0
    assert done.err.startswith("hit \\xb7 score")


def test_control_characters(cli: CLI, server: ScriptedServer) -> None:
    """An answer cannot move the cursor in a terminal or change its title; a pipe gets it as is."""
    server.default = answer({**HIT, "response": ESCAPES})
    assert cli("query", "Q").out == f"{ESCAPES}\n"
    with Terminal(["query", "Q"]) as terminal:
        assert terminal.end() == 0
    shown = terminal.screen.replace("\r\n", "\n")
    assert "[31mred]0;title 2Jgone\tkept\nkept\n" in shown


@pytest.mark.parametrize(
    "words",
    [
        ["query", "Q"],
        ["query", "Q", "--json"],
        ["query", "Q", "--model", "other", "--traceback"],
        ["batch", "in.jsonl", "-"],
        ["batch", f"{HIDDEN}.jsonl", "out.jsonl"],
        ["tune", "in.jsonl", "--yes", "--thresholds", "0.9"],
        ["stats", "results.jsonl"],
        ["doctor", "--no-query", "--base-url", f"http://localhost:1/{HIDDEN}"],
        [HIDDEN],
        ["query", "Q", f"--{HIDDEN}"],
    ],
)
def test_the_order_of_characters(server: ScriptedServer, words: list[str]) -> None:
    """No command shows a terminal what changes the order of characters (CVE-2021-42574)."""
    hidden = {**HIT, "response": f"a{HIDDEN}b", "llm_provider": HIDDEN}
    server.default = answer(raw=json.dumps(hidden, ensure_ascii=False).encode())
    if "other" in words:
        server.default = answer({"detail": f"a{HIDDEN}b"}, status=400)
    names = ["one", "two", "three"]
    rows = [{"prompt": f"{HIDDEN}{name}", "model": f"{HIDDEN}{name}"} for name in names]
    result = {"cache_hit": None, "similarity_score": None, "cost_saved": None, "elapsed": None}
    failed = {**result, "attempts": 1, "error_type": f"{HIDDEN}Error"}
    for name, fields in (("in", {}), ("results", failed)):
        lines = [json.dumps({**row, **fields}, ensure_ascii=False) for row in rows]
        Path(f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with Terminal(words) as terminal:
        terminal.end()
    assert terminal.screen.strip()
    assert [c for c in terminal.screen if c in HIDDEN] == []


def test_a_table_has_no_control_characters(cli: CLI) -> None:
    """Nor can the names in a file of results."""
    row = {
        "prompt": "Q",
        "model": "\x1b[2Jm",
        "cache_hit": None,
        "similarity_score": None,
        "cost_saved": None,
        "elapsed": None,
        "attempts": 1,
        "error_type": "\x1b[2JError",
    }
    lines = [json.dumps({**row, "model": model}) for model in (row["model"], "n")]
    done = cli("stats", "-", stdin="\n".join(lines).encode())
    assert done.code == 0
    assert "[2Jm" in done.out
    assert "\x1b" not in done.out
