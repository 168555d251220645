"""``vectorcache stats``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import CLI

ROW: dict[str, Any] = {
    "prompt": "Q",
    "response": "R",
    "cache_hit": True,
    "similarity_score": 0.93,
    "cost_saved": 0.5,
    "llm_provider": "cache",
    "attempts": 1,
    "elapsed": 0.2,
    "error_type": None,
    "error": None,
}
FAILED = dict.fromkeys(ROW) | {"prompt": "Q", "attempts": 3, "error_type": "RateLimitError"}


def write(*rows: dict[str, Any]) -> None:
    Path("out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_sums(cli: CLI) -> None:
    """Counts, hit rate, dollars, scores, times, retries and errors are those of the rows."""
    miss = {**ROW, "cache_hit": False, "similarity_score": None, "cost_saved": 0, "elapsed": 2.0}
    write(ROW, {**ROW, "attempts": 2, "similarity_score": 0.97}, miss, FAILED)
    found = json.loads(cli("stats", "out.jsonl", "--json").out)
    wanted = {"calls": 4, "hits": 2, "misses": 1, "failed": 1, "retries": 3, "cost_saved": 1.0}
    assert {name: found[name] for name in wanted} == wanted
    assert found["hit_rate"] == pytest.approx(2 / 3)
    assert found["errors"] == {"RateLimitError": 1}
    assert found["scores"]["mean"] == pytest.approx(0.95)
    assert found["scores"]["histogram"] == {"0.93": 1, "0.97": 1}
    assert found["hit_latency"]["max"] == 0.2
    assert found["miss_latency"]["p50"] == pytest.approx(2.0, rel=0.01)


def test_a_table(cli: CLI) -> None:
    """Without ``--json`` all of that is shown as tables, per model and context where there are."""
    write({**ROW, "model": "a"}, {**ROW, "model": "b", "context": "legal"}, FAILED)
    done = cli("stats", "out.jsonl")
    assert done.code == 0
    text = " ".join(done.out.split())
    assert "prompts 3 hits 2" in text
    assert "hit rate 100%" in text
    assert "RateLimitError 1" in text
    assert "b legal 1 100% $0.5000" in text


def test_groups(cli: CLI) -> None:
    """Each pair of model and context has figures of its own."""
    write({**ROW, "model": "a"}, {**ROW, "model": "a"}, {**ROW, "model": "a", "context": "legal"})
    groups = json.loads(cli("stats", "out.jsonl", "--json").out)["by_model_and_context"]
    assert [(g["model"], g["context"], g["hits"]) for g in groups] == [
        ("a", None, 2),
        ("a", "legal", 1),
    ]


def test_standard_input(cli: CLI) -> None:
    """``-`` reads JSON Lines from standard input, as ``batch IN -`` writes them."""
    done = cli("stats", "-", "--json", stdin=json.dumps(ROW).encode())
    assert json.loads(done.out)["hits"] == 1


def test_an_empty_file(cli: CLI) -> None:
    """No rows are no error."""
    write()
    assert json.loads(cli("stats", "out.jsonl", "--json").out)["calls"] == 0
    assert cli("stats", "out.jsonl").code == 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"prompt": "Q"}], "not a file of results: row 1 has no column response"),
        ([ROW, {**ROW, "cost_saved": "much"}], "row 2 has a value that cannot be"),
        ([{**ROW, "cache_hit": "perhaps"}], "row 1 has a value that cannot be"),
        ([{**ROW, "elapsed": None}], "row 1 has a value that cannot be"),
    ],
)
def test_no_file_of_results(cli: CLI, rows: list[dict[str, Any]], message: str) -> None:
    """A file that ``batch`` did not write is refused, by row and column."""
    write(*rows)
    done = cli("stats", "out.jsonl")
    assert (done.code, done.out) == (2, "")
    assert message in done.err


@pytest.mark.parametrize("name", ["missing.jsonl", "out.txt", "--bogus"])
def test_no_such_file(cli: CLI, name: str) -> None:
    """A file that is not there, or of no known kind, is named."""
    done = cli("stats", name)
    assert done.code == 2
    assert name in done.err
