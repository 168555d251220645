"""``vectorcache completion``."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cli.conftest import CLI
from cli.programs import WAIT

SHELLS = ["bash", "zsh", "fish"]

# What bash does when Tab is pressed behind the words.
PRESS_TAB = """\
source ./script
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_vectorcache vectorcache "${COMP_WORDS[COMP_CWORD]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script(cli: CLI, shell: str) -> None:
    """The script names each command, and with ``--json`` it is in an object."""
    done = cli("completion", shell)
    assert (done.code, done.err) == (0, "")
    for command in ("query", "chat", "batch", "tune", "stats", "doctor", "serve", "completion"):
        assert command in done.out
    assert json.loads(cli("completion", shell, "--json").out) == {
        "shell": shell,
        "script": done.out,
    }


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_can_read_it(cli: CLI, shell: str) -> None:
    """The shell itself finds no fault with it."""
    needs(shell)
    Path("script").write_text(cli("completion", shell).out)
    subprocess.run([shell, "-n", "script"], check=True, timeout=WAIT)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ([""], {"query", "chat", "batch", "tune", "stats", "doctor", "serve", "completion"}),
        (["ba"], {"batch"}),
        (["batch", "--con"], {"--concurrency", "--context"}),
        (["query", "--js"], {"--json"}),
        (["query", "--model", "m", "--loc"], {"--local"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
        (["batch", "in"], {"in.jsonl", "in.csv"}),
        (["batch", "in.csv", "in.j"], {"in.jsonl"}),
        (["stats", "in.c"], {"in.csv"}),
        (["tune", "in.c"], {"in.csv"}),
        (["serve", "--path", "in.c"], {"in.csv"}),
    ],
)
def test_in_bash(cli: CLI, words: list[str], offered: set[str]) -> None:
    """In bash, Tab offers commands, options, choices and files."""
    needs("bash")
    Path("script").write_text(cli("completion", "bash").out)
    for name in ("in.jsonl", "in.csv"):
        Path(name).touch()
    done = subprocess.run(
        ["bash", "-c", PRESS_TAB, "bash", "vectorcache", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT,
    )
    assert done.stderr == ""
    assert set(done.stdout.split()) == offered


def test_installing_it(cli: CLI, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``--install`` writes it where a new bash loads it from, once however often it is done."""
    needs("bash")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (home / ".bashrc").write_text("# mine\n")
    startup = set()
    for _ in range(2):
        done = cli("completion", "bash", "--install", "--json")
        assert done.code == 0
        assert Path(json.loads(done.out)["path"]).is_relative_to(home)
        startup.add((home / ".bashrc").read_text())
    assert len(startup) == 1
    assert startup.pop().startswith("# mine\n")
    loaded = subprocess.run(
        ["bash", "--rcfile", str(home / ".bashrc"), "-i", "-c", "complete -p vectorcache"],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
    )
    assert loaded.stdout == "complete -F _vectorcache vectorcache\n"


def test_an_unknown_shell(cli: CLI) -> None:
    """Other shells are refused, and those that are known named."""
    done = cli("completion", "tcsh")
    assert done.code == 2
    assert '"bash", "zsh", "fish"' in done.err
