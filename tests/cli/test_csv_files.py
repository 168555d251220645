"""CSV as spreadsheets write it: delimiters, encodings, and what they take for a formula."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from cli.conftest import CLI
from cli.row_files import read_rows, write_rows
from servers import HIT, ScriptedServer, answer


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_delimiters(cli: CLI, echo: ScriptedServer, delimiter: str) -> None:
    """The first line says whether fields are told apart by commas, semicolons or tabs, as OUT."""
    rows = [["id", "prompt", "x"], ["1", "one, two; three", 'a\t"b"\nc']]
    with Path("in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    assert cli("batch", "in.csv", "out.csv").code == 0
    assert [request.json()["prompt"] for request in echo.requests] == ["one, two; three"]
    with Path("out.csv").open(newline="", encoding="utf-8") as file:
        names, row = csv.reader(file, delimiter=delimiter)
    assert names[:4] == ["id", "prompt", "x", "response"]
    assert row[:4] == [*rows[1], "answer to one, two; three"]
    assert cli("stats", "out.csv").code == 0


def test_a_comma_comes_first(cli: CLI, echo: ScriptedServer) -> None:
    """Where commas give the column of the prompts, semicolons in other names change nothing."""
    Path("in.csv").write_text('prompt,a;b;c\n"one;two",1\n')
    assert cli("batch", "in.csv", "out.csv").code == 0
    assert read_rows("out.csv")[0]["a;b;c"] == "1"


def test_semicolons_in_a_row(cli: CLI) -> None:
    """A message about a row names the delimiter that its file has."""
    Path("in.csv").write_text("prompt;n\none;two;3\n")
    done = cli("batch", "in.csv", "out.csv")
    assert "put quotes around what holds semicolons" in done.err


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_another_column(cli: CLI, echo: ScriptedServer, kind: str) -> None:
    """The prompts may be in any column, and a column prompt is one like others then."""
    write_rows(f"in.{kind}", [{"Question": "one", "prompt": "mine"}])
    words = ("batch", f"in.{kind}", f"out.{kind}", "--prompt-column")
    assert cli(*words, "Question").code == 0
    assert echo.requests[0].json()["prompt"] == "one"
    (row,) = read_rows(f"out.{kind}")
    assert (row["Question"], row["prompt"], row["response"]) == ("one", "mine", "answer to one")
    done = cli(*words, "prompt")
    assert done.code == 2
    assert "--prompt-column was 'Question' and is None" in done.err
    done = cli("batch", f"in.{kind}", "other.csv", "--prompt-column", "no")
    assert done.code == 2
    assert "has no column 'no'; it has 'Question', 'prompt'" in done.err


def test_another_column_in_a_pipe(cli: CLI, echo: ScriptedServer) -> None:
    """So it is in a pipe."""
    done = cli("batch", "-", "-", "--prompt-column", "q", stdin=b'{"q": "one"}\n')
    assert done.code == 0
    assert '"q": "one", "response": "answer to one"' in done.out


LONG = 3_000


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl", "in.txt"])
def test_the_line_of_a_byte(cli: CLI, echo: ScriptedServer, name: str) -> None:
    """A byte that is not UTF-8 is named with its own line, not that of the block it is read in."""
    line = '{{"prompt": "{}"}}' if name == "in.jsonl" else "{}"
    lines = ["prompt", *[f"question {n}" for n in range(LONG)], "caf\udce9", "last"]
    if name == "in.jsonl":
        lines = [line.format(text) for text in lines]
    text = "\n".join(lines).encode("utf-8", "surrogateescape")
    Path(name).write_bytes(text)
    command = ("tune", name, "--yes") if name == "in.txt" else ("batch", name, "out.jsonl")
    done = cli(*command)
    assert done.code == 2
    characters = 15 if name == "in.jsonl" else 3
    where = f"{name}, line {LONG + 2:,}, is not UTF-8: byte 0xe9 after {characters} characters"
    assert where in done.err
    assert echo.requests == []


FORMULAS = ["=1+1", "+49 1", "-x", "@SUM(A1)", "\tx", "\rx"]


def test_formulas(cli: CLI, server: ScriptedServer) -> None:
    """With a switch, a text that a spreadsheet would run has ' before it; without, none has."""
    server.default = answer({**HIT, "response": "=HYPERLINK(1)"})
    rows = [
        {"prompt": text, "n": n} for text, n in zip([*FORMULAS, "-1.5"], "abcdefg", strict=True)
    ]
    write_rows("in.jsonl", rows)
    assert cli("batch", "in.jsonl", "plain.csv").code == 0
    assert [row["prompt"] for row in read_rows("plain.csv")] == [*FORMULAS, "-1.5"]
    assert cli("batch", "in.jsonl", "safe.csv", "--escape-formulas").code == 0
    found = read_rows("safe.csv")
    assert [row["prompt"] for row in found] == [*(f"'{text}" for text in FORMULAS), "-1.5"]
    assert {row["response"] for row in found} == {"'=HYPERLINK(1)"}
    assert cli("stats", "safe.csv").code == 0


@pytest.mark.parametrize("target", ["out.jsonl", "out.parquet", "-"])
def test_formulas_elsewhere(cli: CLI, server: ScriptedServer, target: str) -> None:
    """The switch is refused where no CSV is written."""
    write_rows("in.jsonl", [{"prompt": "one"}])
    done = cli("batch", "in.jsonl", target, "--escape-formulas")
    assert done.code == 2
    assert "--escape-formulas" in done.err
    assert server.requests == []
