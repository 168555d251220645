"""Answers the questions in Parquet files with Spark: one client a partition, one rate limit.

    python spark_pandas.py questions/ answers/ 1000/minute

The files have a column "question". VECTORCACHE_API_KEY, and REDIS_URL for the limit that the
workers share, are in the environment of every executor, and so in no setting that Spark would show.
"""

import os
import sys
from collections.abc import Iterator
from functools import partial

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from vectorcache import RateLimiter, VectorcacheClient
from vectorcache.dataframe import RESULT_DDL, query_batch


def answer(batches: Iterator[pd.DataFrame], limit: str) -> Iterator[pd.DataFrame]:
    limiter = RateLimiter(limit, redis_url=os.environ["REDIS_URL"])
    with VectorcacheClient(model="gpt-4o", rate_limit=limiter) as client:
        for rows in batches:
            yield query_batch(rows, client, prompt_column="question")


def main(spark: SparkSession, questions: str, answers: str, limit: str) -> None:
    rows = spark.read.parquet(questions)
    schema = StructType(rows.schema.fields + StructType.fromDDL(RESULT_DDL).fields)
    rows.mapInPandas(partial(answer, limit=limit), schema).write.parquet(answers)


if __name__ == "__main__":
    # A cluster in this process; without master() and the settings below it joins yours.
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    with session:
        main(session, *sys.argv[1:])
