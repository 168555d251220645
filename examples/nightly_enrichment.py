"""Gives each new row of a table an answer, night after night, without a row lost or paid twice.

    python examples/nightly_enrichment.py tickets.parquet enriched.parquet

Rows that have their answer in the second file are left alone, and those that failed the night
before are asked again. The key is in VECTORCACHE_API_KEY.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from vectorcache import VectorcacheClient
from vectorcache.dataframe import query_batch

QUESTION = "In one word, what is this ticket about? {}"


def new_rows(tickets: pl.DataFrame, done: Path) -> pl.DataFrame:
    """The tickets that have no answer yet."""
    if not done.exists():
        return tickets
    answered = pl.read_parquet(done).filter(pl.col("error").is_null())
    return tickets.join(answered, on="ticket", how="anti")


def main(source: Path, target: Path) -> int:
    tickets = pl.read_parquet(source)
    rows = new_rows(tickets, target).with_columns(prompt=pl.format(QUESTION, pl.col("text")))
    # Below the plan's 100 a minute, so that the daytime's users are not refused.
    with VectorcacheClient(
        model="gpt-4o-mini", context="tickets", rate_limit="80/minute"
    ) as client:
        enriched = query_batch(rows, client, concurrency=16)
        stats = client.stats

    if target.exists():
        before = pl.read_parquet(target).join(enriched, on="ticket", how="anti")
        enriched = pl.concat([before, enriched])
    unfinished = target.with_suffix(".unfinished")
    enriched.sort("ticket").write_parquet(unfinished)
    unfinished.replace(target)  # All of it, or as it was.

    failed = enriched.filter(pl.col("error").is_not_null())
    print(f"{stats.calls} asked, {stats.hits} hits, ${stats.cost_saved:.2f} saved")
    for error, count in failed["error_type"].value_counts().iter_rows():
        print(f"{count} failed with {error}, and will be asked again", file=sys.stderr)
    return 1 if len(failed) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
