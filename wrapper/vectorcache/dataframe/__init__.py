"""Answers the prompts of a table, and returns the table with the answers: pandas, polars, Arrow.

Install it with ``pip install 'vectorcache-python[dataframe]'``. Engines for data larger
than one machine can call ``query_batch`` for each of their batches: Ray Data, Dask, Spark.
"""

from importlib.util import find_spec as _find_spec

if _find_spec("narwhals") is None:
    raise ModuleNotFoundError(
        "vectorcache.dataframe needs narwhals, which comes with the extra: "
        "pip install 'vectorcache-python[dataframe]'",
        name="narwhals",
    )

from .._batch.result import RESULT_COLUMNS
from .query_batch import BatchOptions, aquery_batch, query_batch
from .result_columns import RESULT_DDL, empty_result

__all__ = [
    "RESULT_COLUMNS",
    "RESULT_DDL",
    "BatchOptions",
    "aquery_batch",
    "empty_result",
    "query_batch",
]
