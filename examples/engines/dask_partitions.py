"""Answers the questions in Parquet files with Dask: one client a partition, one rate limit.

    python dask_partitions.py questions/ answers/ 1000/minute

The files have a column "question". VECTORCACHE_API_KEY, and REDIS_URL for the limit that the
workers share, are in the environment of every worker, and so in no argument that Dask would show.
"""

import os
import sys

import dask.dataframe as dd
import pandas as pd
from dask.dataframe.utils import make_meta
from dask.distributed import Client, LocalCluster

from vectorcache import RateLimiter, VectorcacheClient
from vectorcache.dataframe import empty_result, query_batch


def answer(rows: pd.DataFrame, limit: str) -> pd.DataFrame:
    limiter = RateLimiter(limit, redis_url=os.environ["REDIS_URL"])
    with VectorcacheClient(model="gpt-4o", rate_limit=limiter) as client:
        return query_batch(rows, client, prompt_column="question")


def main(questions: str, answers: str, limit: str) -> None:
    rows = dd.read_parquet(questions)
    # Without meta, Dask would call the function with rows that it makes up, and ask them.
    meta = empty_result(make_meta(rows))
    rows.map_partitions(answer, limit, meta=meta).to_parquet(answers)


if __name__ == "__main__":
    # A cluster on this machine; Client("tcp://...") joins yours.
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    )
    with cluster, Client(cluster):
        main(*sys.argv[1:])
