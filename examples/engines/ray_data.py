"""Answers the questions in Parquet files with Ray Data: one client in each actor, one rate limit.

    python ray_data.py questions/ answers/ 1000/minute

The files have a column "question". VECTORCACHE_API_KEY, and REDIS_URL for the limit that the
actors share, are in the environment of every worker, and so in no argument that Ray would show.
"""

import os
import sys
from typing import Any

import ray

from vectorcache import RateLimiter, VectorcacheClient
from vectorcache.dataframe import query_batch

ACTORS = 2


class Answer:
    """Made once in each actor; the connections end with its process."""

    def __init__(self, limit: str) -> None:
        limiter = RateLimiter(limit, redis_url=os.environ["REDIS_URL"])
        self.client = VectorcacheClient(model="gpt-4o", rate_limit=limiter)

    def __call__(self, rows: Any) -> Any:
        return query_batch(rows, self.client, prompt_column="question")


def main(questions: str, answers: str, limit: str) -> None:
    # Small blocks, so that all actors have work, and little is asked again if one is lost.
    rows = ray.data.read_parquet(questions).repartition(target_num_rows_per_block=100)
    rows.map_batches(
        Answer,
        fn_constructor_args=[limit],
        compute=ray.data.ActorPoolStrategy(size=ACTORS),
        batch_format="pyarrow",
        batch_size=None,  # a block at a time
    ).write_parquet(answers)


if __name__ == "__main__":
    # A cluster on this machine; ray.init() alone joins yours.
    with ray.init(num_cpus=4, include_dashboard=False, object_store_memory=100_000_000):
        main(*sys.argv[1:])
