"""The example that enriches a table every night."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from example_scripts.programs import run
from servers import HIT, Received, ScriptedServer, answer

pytestmark = pytest.mark.repository


def test_each_row_once_and_failures_again(server: ScriptedServer, tmp_path: Path) -> None:
    """The second night asks what is new and what failed, and nothing else."""
    tickets = pl.DataFrame({"ticket": [1, 2, 3], "text": ["no login", "bad luck", "late parcel"]})
    tickets.write_parquet(tmp_path / "tickets.parquet")

    def first_night(request: Received) -> bytes:
        if "bad luck" in request.json()["prompt"]:
            return answer({"detail": "no"}, status=400)
        return answer({**HIT, "response": "topic"})

    server.respond = first_night
    files = ("tickets.parquet", "enriched.parquet")
    done = run("nightly_enrichment.py", *files, url=server.url, folder=tmp_path)
    assert done.returncode == 1
    assert "3 asked, 2 hits" in done.stdout
    assert "1 failed with BadRequestError" in done.stderr

    added = pl.concat([tickets, pl.DataFrame({"ticket": [4], "text": ["new one"]})])
    added.write_parquet(tmp_path / "tickets.parquet")
    asked = len(server.requests)
    server.respond = lambda request: answer({**HIT, "response": "second night"})
    done = run("nightly_enrichment.py", *files, url=server.url, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(server.requests) - asked == 2
    found = pl.read_parquet(tmp_path / "enriched.parquet")
    assert found["ticket"].to_list() == [1, 2, 3, 4]
    assert found["response"].to_list() == ["topic", "second night", "topic", "second night"]
    assert not list(tmp_path.glob("*.unfinished"))

    done = run("nightly_enrichment.py", *files, url=server.url, folder=tmp_path)
    assert "0 asked" in done.stdout
