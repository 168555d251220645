"""What a batch makes of its input's rows, before a service is asked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cli.resumable import begin
from cli.row_files import prompts, write_rows

from vectorcache.cli.batch_input import query_of, refuse_result_columns, text_columns
from vectorcache.cli.exit_codes import UsageError
from vectorcache.cli.rows import RowFile


class TestTheInput:
    """It is read once before anything is asked."""

    def test_no_prompts(self) -> None:
        """A file without that column is refused, and one without rows is not."""
        write_rows("in.jsonl", [{"question": "a", "b": 1}])
        with pytest.raises(
            UsageError,
            match=r"in.jsonl has no column 'prompt'; it has 'question', 'b': name the column of "
            r"the prompts by --prompt-column$",
        ):
            begin()
        write_rows("in.jsonl", [{}])
        with pytest.raises(UsageError, match="it has none"):
            begin()
        assert os.listdir() == ["in.jsonl"]
        Path("in.jsonl").write_text("")
        with begin() as batch:
            assert batch.rows == 0

    def test_no_room_for_the_answers(self) -> None:
        """Columns that the answer brings must not be there already."""
        write_rows("in.jsonl", [{"prompt": "a", "error": 1, "response": 2}])
        with pytest.raises(
            UsageError,
            match=r"in.jsonl already has 'response', 'error', where the answers go: rename what is "
            r"yours, and drop what is left of an earlier answer$",
        ):
            begin()
        refuse_result_columns(["prompt", "mine"], "x")

    @pytest.mark.parametrize("target", ["out.csv", "out.jsonl"])
    def test_the_output_looks_at_the_rows(
        self, monkeypatch: pytest.MonkeyPatch, target: str
    ) -> None:
        """OUT looks at the rows before anything is asked, whatever kind it is of; and only once."""
        looked: list[tuple[Path, int]] = []

        def check(self: RowFile, source: RowFile, count: int) -> None:
            looked.append((source.path, count))

        monkeypatch.setattr(RowFile, "check", check)
        write_rows("in.jsonl", prompts(2))
        begin(target=target).__exit__()
        begin(target=target).__exit__()
        assert looked == [(Path("in.jsonl"), 2)]


@pytest.mark.parametrize(
    ("row", "query"),
    [
        ({"prompt": "a"}, {"prompt": "a"}),
        ({}, {"prompt": None}),
        ({"prompt": "", "other": 1}, {"prompt": ""}),
        (
            {"prompt": "a", "model": "m", "context": "c"},
            {"prompt": "a", "model": "m", "context": "c"},
        ),
        ({"prompt": "a", "model": "", "context": None}, {"prompt": "a"}),
        ({"prompt": "a", "similarity_threshold": 0}, {"prompt": "a", "similarity_threshold": 0}),
        (
            {"prompt": "a", "similarity_threshold": "0.9"},
            {"prompt": "a", "similarity_threshold": 0.9},
        ),
        (
            {"prompt": "a", "similarity_threshold": "x"},
            {"prompt": "a", "similarity_threshold": "x"},
        ),
    ],
)
def test_a_row_as_a_query(row: dict[str, Any], query: dict[str, Any]) -> None:
    """Its own fields are asked with it; what is empty is left to the options."""
    assert query_of(row) == query


def test_columns_that_are_sent_as_text() -> None:
    """The prompts' column, whatever its name is, the model and the context are read as UTF-8."""
    assert text_columns() == ("prompt", "model", "context")
    assert text_columns("question") == ("question", "model", "context")


def test_each_row_is_known_by_what_it_asks() -> None:
    """An answer kept for one question is never taken for that to another."""
    rows = [{"prompt": "a"}, {"prompt": "a", "model": "m"}, {"prompt": "a\ud800"}, {"prompt": "a"}]
    Path("in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with begin() as batch:
        digests = [row["id"][1] for row in batch.to_ask(retry_failed=False)]
    assert len(set(digests)) == 3
    assert digests[0] == digests[3]
