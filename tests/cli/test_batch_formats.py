"""``vectorcache batch`` and the kinds of files: JSON Lines, CSV and Parquet."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli.conftest import CLI
from cli.row_files import read_rows, write_rows
from servers import HIT, ScriptedServer, answer

from vectorcache._batch.result import RESULT_COLUMNS
from vectorcache.cli.rows import parquet_file

KINDS = ["jsonl", "csv", "parquet"]

AWKWARD = [
    'commas, "quotes" and\nlines\r\n',
    "a lone\rreturn",
    "日本語 🙂 ñ\u2028x",
    "=1+1",
    "\ttab ",
    "nul\x00",
    '{"json": 1}',
]


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_from_any_kind_to_any(cli: CLI, echo: ScriptedServer, source: str, target: str) -> None:
    """All nine ways work: each text goes to the service and into OUT as it is."""
    rows = [{"prompt": text, "number": str(n)} for n, text in enumerate(AWKWARD)]
    write_rows(f"in.{source}", rows)
    done = cli("batch", f"in.{source}", f"out.{target}", "--json")
    assert done.code == 0
    assert {request.json()["prompt"] for request in echo.requests} == {*AWKWARD}
    found = read_rows(f"out.{target}")
    assert [{name: row[name] for name in rows[0]} for row in found] == rows
    assert [row["response"] for row in found] == [f"answer to {text}" for text in AWKWARD]
    assert [*found[0]] == ["prompt", "number", *RESULT_COLUMNS]
    stats = json.loads(cli("stats", f"out.{target}", "--json").out)
    assert stats == json.loads(done.out)["stats"]
    assert stats["hits"] == len(rows)


@pytest.mark.parametrize("target", KINDS)
def test_an_error_in_any_kind(cli: CLI, echo: ScriptedServer, target: str) -> None:
    """A row that failed is told from one that did not, in every kind of file."""
    write_rows("in.jsonl", [{"prompt": "bad"}, {"prompt": "two"}])
    assert cli("batch", "in.jsonl", f"out.{target}").code == 3
    failed, two = read_rows(f"out.{target}")
    assert failed["error_type"] == "BadRequestError"
    assert failed["response"] in (None, "")
    assert two["error_type"] in (None, "")
    assert json.loads(cli("stats", f"out.{target}", "--json").out)["failed"] == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_no_rows(cli: CLI, echo: ScriptedServer, kind: str, target: str) -> None:
    """A file with columns and no rows makes one that has the answers' columns, too."""
    if kind == "csv":
        Path("in.csv").write_text("prompt,n\n")
    elif kind == "parquet":
        pq.write_table(pa.schema([("prompt", pa.string())]).empty_table(), "in.parquet")
    else:
        Path("in.jsonl").write_text("\n")
    assert cli("batch", f"in.{kind}", f"out.{target}").code == 0
    assert read_rows(f"out.{target}") == []
    if target == "csv":
        assert "response,cache_hit" in Path("out.csv").read_text()


def test_types_in_csv(cli: CLI, echo: ScriptedServer) -> None:
    """CSV has texts only: a threshold is read as a number, what is empty counts as not given."""
    Path("in.csv").write_text(
        "prompt,model,similarity_threshold,context\none,m,0.5,\ntwo,,,c\nthree,,x,\n"
    )
    assert cli("batch", "in.csv", "out.csv", "-n", "1", "-c", "theirs").code == 3
    names = ("model", "similarity_threshold", "context")
    sent = [tuple(request.json()[name] for name in names) for request in echo.requests]
    assert sent == [("m", 0.5, "theirs"), ("gpt-4o", 0.85, "c")]
    one, _, three = read_rows("out.csv")
    assert (one["cache_hit"], one["similarity_score"], one["attempts"]) == ("true", "0.94", "1")
    assert "similarity_threshold is of type str" in three["error"]


def test_json_in_csv(cli: CLI, echo: ScriptedServer) -> None:
    """Rows may have different columns, and values that CSV has not: those are written as JSON."""
    write_rows("in.jsonl", [{"prompt": "one", "a": [1, "é"]}, {"prompt": "two", "b": True}])
    assert cli("batch", "in.jsonl", "out.csv").code == 0
    one, two = read_rows("out.csv")
    assert (one["a"], one["b"], two["a"], two["b"]) == ('[1, "é"]', "", "", "true")


def test_a_byte_order_mark(cli: CLI, echo: ScriptedServer) -> None:
    """Excel begins its files with one, which does not belong to the name of the first column."""
    Path("in.csv").write_text("\ufeffprompt\none\n", encoding="utf-8")
    Path("in.jsonl").write_text('\ufeff{"prompt": "one"}\r\n', encoding="utf-8")
    assert cli("batch", "in.csv", "out.csv").code == 0
    assert cli("batch", "in.jsonl", "out.jsonl").code == 0


def test_a_long_answer(cli: CLI, server: ScriptedServer) -> None:
    """Answers that are longer than the fields that Python's csv reads by itself are read again."""
    server.default = answer({**HIT, "response": 300_000 * "x"})
    write_rows("in.csv", [{"prompt": "one"}])
    done = cli("batch", "in.csv", "out.csv", "--json")
    assert json.loads(done.out)["stats"]["hits"] == 1


@pytest.mark.parametrize("target", KINDS)
def test_half_of_a_pair(cli: CLI, server: ScriptedServer, target: str) -> None:
    """An answer with half of a surrogate pair, which JSON can bring, spoils no file."""
    server.default = answer(raw=json.dumps({**HIT, "response": "a\ud800b"}).encode())
    write_rows("in.jsonl", [{"prompt": "one"}])
    assert cli("batch", "in.jsonl", f"out.{target}").code == 0
    wanted = "a\ud800b" if target == "jsonl" else "a\\ud800b"
    assert read_rows(f"out.{target}")[0]["response"] == wanted


def test_json_as_parquet(cli: CLI, echo: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The columns' types are those that hold all rows, however late one of them comes."""
    monkeypatch.setattr(parquet_file, "_BATCH", 40)
    rows: list[dict[str, Any]] = [{"prompt": f"p{n}", "n": n} for n in range(100)]
    rows[-1] |= {"n": 0.5, "late": {"a": ["x"]}}
    write_rows("in.jsonl", rows)
    assert cli("batch", "in.jsonl", "out.parquet").code == 0
    found = pq.read_table("out.parquet")
    assert str(found.schema.field("n").type) == "double"
    last = found.slice(99).to_pylist()[0]
    assert (last["n"], last["late"], last["response"]) == (0.5, {"a": ["x"]}, "answer to p99")


@pytest.mark.parametrize("value", ["text", {}, 2**70, "\ud800"])
def test_what_parquet_cannot_hold(cli: CLI, server: ScriptedServer, value: Any) -> None:
    """Rows that fit into no Parquet file are refused before anything is asked."""
    rows = [{"prompt": "one", "x": 1 if value == "text" else value}, {"prompt": "two", "x": value}]
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = cli("batch", "in.jsonl", "out.parquet")
    assert done.code == 2
    assert "does not fit into a Parquet file" in done.err
    assert "write to .jsonl" in done.err
    assert server.requests == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first line must name the columns"),
        ("prompt,x\none\n", "line 2, has 1 fields, and the first line names 2"),
        ("prompt\none,two\n", "put quotes around what holds commas"),
        ("prompt,prompt\n", "more than one column 'prompt'"),
        ("question;n\nQ;1\n", "has no column 'prompt'; it has 'question;n'"),
        ('prompt\n"one', "is not valid CSV"),
        ("prompt,error\none,x\n", "already has 'error'"),
    ],
)
def test_invalid_csv(cli: CLI, server: ScriptedServer, text: str | bytes, message: str) -> None:
    """CSV that cannot be read as one row for each prompt is refused, and the line named."""
    Path("in.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    done = cli("batch", "in.csv", "out.csv")
    assert done.code == 2
    assert message in done.err
    assert server.requests == []


def test_invalid_parquet(cli: CLI) -> None:
    """A file that is not Parquet, or has a column twice, is refused by name."""
    Path("in.parquet").write_text("no")
    assert "in.parquet is not a Parquet file" in cli("batch", "in.parquet", "out.csv").err
    pq.write_table(pa.table([pa.array(["a"])] * 2, names=["prompt", "prompt"]), "two.parquet")
    done = cli("batch", "two.parquet", "out.csv")
    assert done.code == 2
    assert "more than one column 'prompt'" in done.err


def test_without_pyarrow(cli: CLI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Parquet's library is not installed, what to install is said."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "vectorcache.cli.rows.parquet_file", raising=False)
    Path("in.parquet").touch()
    done = cli("batch", "in.parquet", "out.jsonl")
    assert done.code == 2
    assert "pip install pyarrow, or use .jsonl or .csv" in done.err
