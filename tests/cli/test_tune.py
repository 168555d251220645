"""``vectorcache tune``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli.conftest import CLI
from cli.programs import COMMAND, WAIT, Terminal, environment, run_program
from clients import KEY
from servers import Received, ScriptedServer, answer
from tuning.service import Service

VECTORS = {"red": (1.0, 0.0), "ruby": (1.0, 0.2), "blue": (0.0, 1.0), KEY: (0.5, -1.0)}
ROWS = [
    {"prompt": "red", "label": "warm"},
    {"prompt": "blue", "label": "cold"},
    {"prompt": "ruby", "label": "warm"},
]


@pytest.fixture
def service(server: ScriptedServer) -> Service:
    """A semantic cache behind the server's address."""
    service = Service(VECTORS)
    server.respond = service.respond
    return service


@pytest.fixture
def prompts() -> str:
    """A file of labelled prompts."""
    Path("prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return "prompts.jsonl"


def test_the_embedded_service(tmp_path: Path) -> None:
    """With ``--local`` nothing but a file of prompts is needed, and a page is written."""
    (tmp_path / "prompts.txt").write_text("What is ML?\n\nWhat is machine learning?\nWhy?\n")
    done = run_program("tune", "prompts.txt", "--local", "--json", "--html", "page.html")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report["prompts"] == 3
    assert [result["hits"] for result in report["thresholds"]] == [1] * 5
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert "the page is page.html" in done.err
    assert "3 of 3 prompts, " in done.err


def test_the_embedded_service_costs_nothing(tmp_path: Path) -> None:
    """The table of a run with ``--local`` mentions no payment, and no saving of $0."""
    (tmp_path / "prompts.txt").write_text("What is ML?\nWhat is machine learning?\nWhy?\n")
    done = run_program("tune", "prompts.txt", "--local", "--yes")
    assert done.code == 0, done.err
    assert " of them misses; trying each threshold separately" in done.out
    assert "paid" not in done.out + done.err
    assert "which saves $0" not in done.out


def test_the_table(cli: CLI, service: Service, prompts: str) -> None:
    """The table goes to standard output; what it may cost and the progress to standard error."""
    done = cli("tune", prompts, "--yes", "--verbose", "--thresholds", "0.8,0.9")
    assert done.code == 0
    assert "At 0.9, 1 of 1 (100 %) of the hits were right." in done.out
    assert "hit  0.980 same  red  |  ruby" in done.out
    assert "3 prompts, 3 of them different, at 2 thresholds: at most " in done.err
    assert "of them misses, for which gpt-4o is paid" in done.err
    assert "3 of 3 prompts, 3 calls, 2 misses, 0 failed" in done.err


def test_json(cli: CLI, service: Service, prompts: str) -> None:
    """``--json`` writes one line: the report."""
    done = cli("tune", prompts, "--yes", "--json", "--precision", "0.2")
    assert done.out.count("\n") == 1
    report = json.loads(done.out)
    assert report["recommendation"]["threshold"] == 0.95
    assert report["thresholds"][0]["precision"]["value"] == 1
    assert report["calls"] == len(service.queries)


@pytest.mark.parametrize(
    ("name", "text", "labelled"),
    [
        ("prompts.txt", "red\nblue\nruby\n", False),
        ("prompts.csv", "prompt,label\nred,warm\nblue,cold\nruby,warm\n", True),
        ("prompts.csv", "label,prompt\n,red\n,blue\n,ruby\n", False),
        ("prompts.jsonl", '{"prompt": "red"}\n{"prompt": "blue"}\n{"prompt": "ruby"}\n', False),
    ],
)
def test_files(cli: CLI, service: Service, name: str, text: str, labelled: bool) -> None:
    """Prompts may come as lines, CSV or JSON Lines, with or without labels."""
    Path(name).write_text(text)
    report = json.loads(cli("tune", name, "--yes", "--json").out)
    assert (report["prompts"], report["labelled"]) == (3, labelled)


def test_standard_input(cli: CLI, service: Service, prompts: str) -> None:
    """With - JSON Lines are read from standard input."""
    done = cli("tune", "-", "--yes", "--json", stdin=Path(prompts).read_bytes())
    assert json.loads(done.out)["prompts"] == 3


def test_a_dry_run(cli: CLI, service: Service, prompts: str, without_key: None) -> None:
    """``--dry-run`` says what it may cost, sends nothing and needs no key."""
    done = cli("tune", prompts, "--dry-run", "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["llm_calls_at_most"] == 15
    assert "at most 15 of them misses" in cli("tune", prompts, "--dry-run").out
    assert not service.queries


def test_no_service_to_ask(cli: CLI, service: Service, prompts: str) -> None:
    """Without ``--yes``, and without a terminal to ask at, nothing is sent."""
    done = cli("tune", prompts)
    assert done.code == 2
    assert "add --yes" in done.err
    assert not service.queries


@pytest.mark.parametrize(("typed", "asked"), [("y\n", 3), ("n\n", 0), ("\n", 0)])
def test_the_question(service: Service, prompts: str, typed: str, asked: int) -> None:
    """In a terminal it asks whether to go on, and takes only a yes for one."""
    with Terminal(["tune", prompts]) as terminal:
        terminal.wait_for("Go on? [y/N] ")
        terminal.type(typed)
        assert terminal.end() == 0
    assert len(service.queries) == asked
    assert ("nothing was asked" in terminal.screen) == (not asked)


def test_limits(cli: CLI, service: Service, prompts: str) -> None:
    """A run that stops at a limit reports what it has, says so, and ends with status 3."""
    done = cli("tune", prompts, "--yes", "--json", "--max-llm-calls", "1")
    assert done.code == 3
    assert "stopped, with 2 prompts not asked: --max-llm-calls 1 is used up" in done.err
    assert json.loads(done.out)["llm_calls"] == 1


def test_prompts_that_fail(
    cli: CLI, server: ScriptedServer, service: Service, prompts: str
) -> None:
    """If some prompts failed, the status is 3, and they are named in the report."""
    server.respond = lambda request: (
        answer({"detail": "no"}, status=422)
        if request.json()["prompt"] == "blue"
        else service.respond(request)
    )
    done = cli("tune", prompts, "--yes", "--json")
    assert done.code == 3
    assert "1 prompt failed" in done.err
    assert [failed["prompt"] for failed in json.loads(done.out)["failed"]] == ["blue"]


def test_a_key_that_is_refused(cli: CLI, server: ScriptedServer, prompts: str) -> None:
    """A refused key ends it at once, with status 4."""
    server.default = answer({"detail": "no"}, status=401)
    assert cli("tune", prompts, "--yes").code == 4
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prompts.jsonl", "--thresholds", "0.8;0.9"], "--thresholds is '0.8;0.9'"),
        (["prompts.jsonl", "--thresholds", "0.8,1.2"], "thresholds has 1.2"),
        (["prompts.jsonl", "--html", "nowhere/page.html"], "--html nowhere/page.html cannot be"),
        (["prompts.jsonl", "--precision", "95"], "precision"),
        (["prompts.doc"], "the name must end with"),
        (["missing.csv"], "No such file or directory: missing.csv"),
        (["other.jsonl"], "other.jsonl, row 1, has no column 'prompt': it has question"),
        (["latin.txt"], "latin.txt, line 1, is not UTF-8"),
        (["one.txt"], "prompts has a length of 1"),
    ],
)
def test_wrong_input(
    cli: CLI, service: Service, prompts: str, arguments: list[str], message: str
) -> None:
    """What is wrong with options or file is said before anything is sent."""
    Path("other.jsonl").write_text('{"question": "Why?"}\n')
    Path("latin.txt").write_bytes("Was heißt das?\n".encode("latin-1"))
    Path("one.txt").write_text("one\n")
    done = cli("tune", *arguments, "--yes")
    assert done.code in (1, 2)
    assert message in done.err
    assert done.out == ""
    assert not service.queries


def test_contexts(cli: CLI, service: Service, prompts: str) -> None:
    """What is asked goes to contexts that begin with ``--context``."""
    cli("tune", prompts, "--yes", "--context", "trial")
    assert {context.split("-")[0] for _, _, context in service.queries} == {"trial"}


def test_the_key_is_in_no_file(cli: CLI, service: Service) -> None:
    """Not even if it is one of the prompts."""
    Path("prompts.txt").write_text(f"red\n{KEY}\nruby\n")
    done = cli("tune", "prompts.txt", "--yes", "--html", "page.html", "--thresholds", "0.1")
    assert done.code == 0
    for text in (done.out, done.err, Path("page.html").read_text()):
        assert KEY not in text
    assert "[key removed]" in Path("page.html").read_text()


def test_ctrl_c(server: ScriptedServer, prompts: str) -> None:
    """Ctrl-C ends it with status 130."""
    arrived, over = Event(), Event()

    def hold(_: Received) -> bytes:
        arrived.set()
        over.wait(WAIT)
        return answer()

    server.respond = hold
    with Terminal(["tune", prompts, "--yes"]) as terminal:
        assert arrived.wait(WAIT)
        assert terminal.interrupt() == 130
        over.set()


def test_a_reader_that_has_gone(service: Service, prompts: str) -> None:
    """A reader that takes only the first line, as ``head`` does, ends it with status 141."""
    with subprocess.Popen(
        [*COMMAND, "tune", prompts, "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(WAIT) == 141


def test_a_short_report(cli: CLI, service: Service, prompts: str) -> None:
    """It prints the figures and says how to see the pairs; ``--verbose`` prints these as well."""
    done = cli("tune", prompts, "--yes")
    assert done.code == 0
    assert "0.85" in done.out
    assert "ruby" not in done.out
    assert len(done.out.splitlines()) < 20
    assert "--verbose shows the pairs of prompts" in done.err
    done = cli("tune", prompts, "--yes", "--verbose")
    assert "ruby" in done.out
    assert "--verbose" not in done.err
    done = cli("tune", prompts, "--yes", "--json")
    assert json.loads(done.out)["pairs"]
    assert "--verbose" not in done.err


def test_another_column(cli: CLI, service: Service) -> None:
    """Prompts may be in any column, and binary ones are the UTF-8 texts that they hold."""
    columns = {"q": [b"red", b"ruby"], "label": [b"warm", b"warm"], "prompt": ["x", "y"]}
    pq.write_table(pa.table(columns), "in.parquet")
    done = cli("tune", "in.parquet", "--prompt-column", "q", "--yes", "--thresholds", "0.9")
    assert done.code == 0, done.err
    assert "100" in done.out
