"""``vectorcache batch``: what it asks and what it writes."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import CLI
from cli.programs import WAIT, Terminal
from cli.row_files import prompts, read_rows, write_rows
from servers import Received, ScriptedServer, answer

from vectorcache import BatchProgress
from vectorcache._batch.result import RESULT_COLUMNS
from vectorcache.cli import batch_asking
from vectorcache.cli.output import Output


def test_a_row_for_each_row(cli: CLI, echo: ScriptedServer) -> None:
    """OUT has each row of IN in its place, with its columns unchanged and the answer behind."""
    rows = [{"n": n, "prompt": f"prompt {n}", "tags": ["a", {"b": None}]} for n in range(200)]
    write_rows("in.jsonl", rows)
    done = cli("batch", "in.jsonl", "out.jsonl")
    assert done.code == 0
    found = read_rows("out.jsonl")
    assert [{name: row[name] for name in rows[0]} for row in found] == rows
    assert [row["response"] for row in found] == [f"answer to prompt {n}" for n in range(200)]
    assert all([*row] == [*rows[0], *RESULT_COLUMNS] for row in found)
    assert len(echo.requests) == 200
    assert "out.jsonl is complete: 200 rows" in done.err


def test_the_summary(cli: CLI, echo: ScriptedServer) -> None:
    """``--json`` sums the whole batch up on standard output, in one object and nothing else."""
    write_rows("in.jsonl", [*prompts(3), {"prompt": "bad"}])
    done = cli("batch", "in.jsonl", "out.jsonl", "--json")
    assert done.code == 3
    summary = json.loads(done.out)
    assert (summary["input"], summary["output"], summary["asked"]) == ("in.jsonl", "out.jsonl", 4)
    stats = summary["stats"]
    assert (stats["calls"], stats["hits"], stats["failed"]) == (4, 3, 1)
    assert stats["errors"] == {"BadRequestError": 1}
    assert json.loads(cli("stats", "out.jsonl", "--json").out) == stats


def test_a_table(cli: CLI, echo: ScriptedServer) -> None:
    """Without ``--json`` the summary is a table."""
    write_rows("in.jsonl", prompts(3))
    assert "hit rate 100%" in " ".join(cli("batch", "in.jsonl", "out.jsonl").out.split())


def test_rows_with_their_own(cli: CLI, echo: ScriptedServer) -> None:
    """A row's own model, context and threshold come before the options; what is empty does not."""
    write_rows(
        "in.jsonl",
        [
            {"prompt": "one", "model": "m", "context": "c", "similarity_threshold": 0.5},
            {"prompt": "two", "model": "", "context": None},
        ],
    )
    cli("batch", "in.jsonl", "out.jsonl", "-m", "option", "-c", "theirs", "-t", "0.7", "-n", "1")
    fields = ("prompt", "model", "context", "similarity_threshold")
    sent = [tuple(request.json()[name] for name in fields) for request in echo.requests]
    assert sent == [("one", "m", "c", 0.5), ("two", "option", "theirs", 0.7)]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": None}, "prompt is missing"),
        ({"other": 1}, "prompt is missing"),
        ({"prompt": 5}, "prompt is of type int"),
        ({"prompt": 32_001 * "x"}, "32,001 characters"),
        ({"prompt": "Q", "model": 5}, "model is of type int"),
        ({"prompt": "Q", "similarity_threshold": 5}, "similarity_threshold is 5"),
        ({"prompt": "Q", "similarity_threshold": "high"}, "similarity_threshold is of type str"),
        ({"prompt": "bad"}, "this prompt is bad"),
    ],
)
def test_a_row_that_fails(cli: CLI, echo: ScriptedServer, row: dict[str, Any], error: str) -> None:
    """A row that cannot be asked says why in its place, the others are answered; 3 at the end."""
    write_rows("in.jsonl", [{"prompt": "one"}, row, {"prompt": "three"}])
    assert cli("batch", "in.jsonl", "out.jsonl").code == 3
    one, failed, three = read_rows("out.jsonl")
    assert one["response"] == "answer to one"
    assert three["response"] == "answer to three"
    assert failed["response"] is failed["cache_hit"] is None
    assert failed["error_type"] in ("InvalidRequestError", "BadRequestError")
    assert error in failed["error"]


def test_equal_rows(cli: CLI, echo: ScriptedServer) -> None:
    """Rows that are equal have a line each."""
    write_rows("in.jsonl", 50 * prompts(1))
    assert cli("batch", "in.jsonl", "out.jsonl").code == 0
    assert [row["response"] for row in read_rows("out.jsonl")] == 50 * ["answer to prompt 0"]


def test_no_rows(cli: CLI, echo: ScriptedServer) -> None:
    """An empty IN makes an empty OUT."""
    write_rows("in.jsonl", [])
    assert cli("batch", "in.jsonl", "out.jsonl").code == 0
    assert read_rows("out.jsonl") == []
    assert echo.requests == []


def test_how_many_at_once(cli: CLI, server: ScriptedServer) -> None:
    """As many prompts are in progress at once as ``--concurrency`` says."""
    together = threading.Barrier(7)

    def respond(request: Received) -> bytes:
        together.wait(WAIT)  # None is answered before seven are there.
        return answer()

    server.respond = respond
    write_rows("in.jsonl", prompts(21))
    assert cli("batch", "in.jsonl", "out.jsonl", "--concurrency", "7").code == 0
    assert server.connections == 7


def test_a_rate_limit(cli: CLI, server: ScriptedServer) -> None:
    """``--rate-limit`` is that of the client; an invalid one is refused before any request."""
    write_rows("in.jsonl", prompts(3))
    assert cli("batch", "in.jsonl", "out.jsonl", "--rate-limit", "100/minute").code == 0
    done = cli("batch", "in.jsonl", "other.jsonl", "--rate-limit", "fast")
    assert done.code == 2
    assert "--rate-limit must be" in done.err


def test_the_embedded_service(cli: CLI, server: ScriptedServer, without_key: None) -> None:
    """``--local`` asks the embedded one."""
    write_rows("in.jsonl", [{"prompt": "What is ML?"}, {"prompt": "What is machine learning?"}])
    assert cli("batch", "in.jsonl", "out.jsonl", "--local", "-n", "1").code == 0
    assert [row["cache_hit"] for row in read_rows("out.jsonl")] == [False, True]
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["in.jsonl", "out.txt"], "out.txt: the name must end with .jsonl"),
        (["in.txt", "out.jsonl"], "in.txt: the name must end with .jsonl"),
        (["in.jsonl", "in.jsonl"], "IN and OUT are both in.jsonl"),
        (["in.jsonl", "no/out.jsonl"], "must be in a folder that exists"),
        (["in.jsonl", "out.jsonl", "--concurrency", "0"], "--concurrency"),
        (["in.jsonl", "out.jsonl", "--give-up-after", "-1"], "--give-up-after"),
        (["-", "out.jsonl"], "from standard input nothing could be asked again"),
        (["in.jsonl", "-", "--restart"], "OUT is -"),
        (["in.jsonl", "-", "--retry-failed"], "OUT is -"),
        (["--concurency", "5", "in.jsonl", "out.jsonl"], "--concurency is not an option"),
    ],
)
def test_wrong_words(cli: CLI, server: ScriptedServer, options: list[str], message: str) -> None:
    """Words that make no sense are refused; nothing is asked, and no file is made."""
    write_rows("in.jsonl", prompts(2))
    done = cli("batch", *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert server.requests == []
    assert [path.name for path in Path().iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"prompt": "Q"}\n{"prompt"', "in.jsonl, line 2, is not JSON"),
        ('{"prompt": "Q"}\n\n["Q"]', "in.jsonl, line 3, is not a JSON object"),
        ('{"prompt": NaN}', "NaN is not a JSON value"),
        ('{"prompt": "Q", "n": 1e999}', "the number 1e999 is too large"),
        (100_000 * "[", "line 1, is not JSON"),
        ('{"question": "Q", "n": 1}', "has no column 'prompt'; it has 'question', 'n'"),
        ('{"prompt": "Q", "error": 1, "response": 2}', "already has 'response', 'error'"),
        ('{"prompt": "\ud800"}', "line 1, is not UTF-8"),
    ],
)
def test_an_invalid_input(cli: CLI, server: ScriptedServer, text: str, message: str) -> None:
    """What cannot be read ends the program before anything is asked, and says where it is."""
    Path("in.jsonl").write_bytes(text.encode("utf-8", "surrogatepass"))
    done = cli("batch", "in.jsonl", "out.jsonl")
    assert done.code == 2
    assert message in done.err
    assert server.requests == []
    assert [path.name for path in Path().iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"detail": "x"}, 401, 4),
        ({"detail": "x"}, 403, 4),
        ({"detail": "x"}, 404, 1),
        ({"detail": "x", "current_usage": 5, "monthly_limit": 5}, 429, 1),
    ],
)
def test_what_would_end_all_ends_it(
    cli: CLI, echo: ScriptedServer, body: object, status: int, code: int
) -> None:
    """A refused key or a used-up quota ends the batch; that prompt is asked again the next time."""
    write_rows("in.jsonl", prompts(100))
    echo.script = [
        *[
            answer(
                {
                    "cache_hit": True,
                    "response": "r",
                    "similarity_score": 1,
                    "cost_saved": 0,
                    "llm_provider": "cache",
                }
            )
        ]
        * 20,
        answer(body, status=status),
    ]
    done = cli("batch", "in.jsonl", "out.jsonl", "-n", "2", "--max-retries", "0")
    assert done.code == code
    assert "prompts answered, which out.jsonl.batch keeps: the same words go on" in done.err
    # The batch holds at most four prompts for each of two at a time, which may all have been sent
    # before the refusal is seen.
    assert len(echo.requests) <= 21 + 4 * 2
    assert not Path("out.jsonl").exists()
    done = cli("batch", "in.jsonl", "out.jsonl", "-n", "2", "--max-retries", "0")
    assert done.code == 0
    assert len(echo.requests) == 101
    assert not [row for row in read_rows("out.jsonl") if row["error_type"]]


def test_an_outage_ends_it(cli: CLI, server: ScriptedServer) -> None:
    """When nothing gets through any more, it does not go on and fail a million times."""
    write_rows("in.jsonl", prompts(500))
    server.default = answer({"detail": "down"}, status=500)
    words = ("batch", "in.jsonl", "out.jsonl", "--max-retries", "0", "-n", "2")
    done = cli(*words, "--give-up-after", "30", "--json")
    assert done.code == 1
    assert json.loads(done.out)["error_type"] == "InternalServerError"
    assert "30 prompts in a row failed (--give-up-after)" in done.err
    assert len(server.requests) <= 32
    server.default = answer()
    assert cli(*words, "--retry-failed").code == 0
    assert not [row for row in read_rows("out.jsonl") if row["error_type"]]


def test_failures_between_answers_do_not_end_it(cli: CLI, server: ScriptedServer) -> None:
    """Only failures in a row count; with 0 not even those."""
    write_rows("in.jsonl", prompts(40))
    server.script = [answer({"detail": "x"}, status=500), answer()] * 20
    words = ("--max-retries", "0", "-n", "1", "--give-up-after")
    assert cli("batch", "in.jsonl", "out.jsonl", *words, "2").code == 3
    assert len(server.requests) == 40
    server.default = answer({"detail": "x"}, status=500)
    assert cli("batch", "in.jsonl", "other.jsonl", *words, "0").code == 3
    assert len(server.requests) == 80


def test_standard_streams(cli: CLI, echo: ScriptedServer) -> None:
    """``- -`` reads and writes JSON Lines, in the input's order, as a part of a pipe."""
    lines = b"".join(json.dumps({"prompt": f"p{n}", "n": n}).encode() + b"\n" for n in range(50))
    done = cli("batch", "-", "-", stdin=lines)
    assert done.code == 0
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["n"] for row in rows] == list(range(50))
    assert [row["response"] for row in rows] == [f"answer to p{n}" for n in range(50)]
    assert done.err == "50 asked · hit rate 100% · saved $0.1150\n"
    assert list(Path().iterdir()) == []


def test_standard_output(cli: CLI, echo: ScriptedServer) -> None:
    """``IN -`` takes any kind of file; a row that fails is an output line, and 3 at the end."""
    write_rows("in.csv", [{"prompt": "bad"}, {"prompt": "two"}])
    done = cli("batch", "in.csv", "-", "--json")
    assert done.code == 3
    failed, two = map(json.loads, done.out.splitlines())
    assert failed["error_type"] == "BadRequestError"
    assert two["response"] == "answer to two"


def test_invalid_standard_input(cli: CLI, echo: ScriptedServer) -> None:
    """Lines before one that is not JSON are answered; then the message names that line."""
    done = cli("batch", "-", "-", stdin=b'{"prompt": "one"}\nnonsense\n')
    assert done.code == 2
    assert json.loads(done.out)["response"] == "answer to one"
    assert "standard input, line 2, is not JSON" in done.err


def test_progress_in_a_terminal(echo: ScriptedServer) -> None:
    """In a terminal a bar shows how far it is."""
    write_rows("in.jsonl", prompts(30))
    with Terminal(["batch", "in.jsonl", "out.jsonl"]) as terminal:
        assert terminal.end() == 0
    assert "30/30" in terminal.screen
    assert "hits 30, failed 0" in terminal.screen


def test_progress_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal, a line every half a minute says how far the batch is."""
    now = 0.0
    lines = batch_asking._Lines(Output(), clock=lambda: now)
    for done in range(1, 100):
        now += 1.0
        lines(BatchProgress(done, 1_000, done, 0, 0.0, now))
    assert capsys.readouterr().err.splitlines() == [
        f"{done} of 1,000, {done} hits, 0 failed" for done in (30, 60, 90)
    ]
