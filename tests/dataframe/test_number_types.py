"""Numbers as NumPy and the libraries of frames have them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from clients import KEY
from servers import ScriptedServer

from vectorcache import CircuitBreaker, ConfigurationError, RetryPolicy, VectorcacheClient
from vectorcache.dataframe import query_batch
from vectorcache.dataframe.frame import frame_of, values_of
from vectorcache.tuning import estimate, tune


@pytest.mark.parametrize(
    "rows",
    [
        pl.DataFrame({"prompt": ["a"], "t": [Decimal("0.5")]}),
        pl.DataFrame({"prompt": ["a"], "t": pl.Series([0.5], dtype=pl.Float32)}),
        pa.table({"prompt": ["a"], "t": pa.array([Decimal("0.5")], pa.decimal128(3, 2))}),
        pa.table({"prompt": ["a"], "t": pa.array([0.5], pa.float16())}),
        pd.DataFrame({"prompt": ["a"], "t": np.array([0.5], np.float32)}),
        pd.DataFrame({"prompt": ["a"], "t": [Decimal("0.5")]}),
        pd.DataFrame({"prompt": ["a"], "t": [np.float64(0.5)]}, dtype=object),
    ],
)
def test_thresholds_in_a_column(server: ScriptedServer, rows: Any) -> None:
    """A column of thresholds may be of any type of numbers, decimals among them."""
    with VectorcacheClient(KEY, model="m", base_url=server.url) as client:
        answers = query_batch(rows, client, similarity_threshold_column="t")
    assert values_of(frame_of(answers), "error") == [None]
    assert server.requests[0].json()["similarity_threshold"] == 0.5


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_scalars(kind: Any) -> None:
    """NumPy's scalars are numbers for a client, as are its integers where a count is taken."""
    options: dict[str, Any] = {"similarity_threshold": kind(0.5), "timeout": kind(2)}
    counts: dict[str, Any] = {"max_retries": np.int64(3), "max_connections": np.uint8(4)}
    with VectorcacheClient(KEY, **options, **counts) as client:
        settings = client._settings
    assert (settings.similarity_threshold, settings.timeout) == (0.5, 2.0)
    assert (settings.max_retries, settings.max_connections) == (3, 4)
    assert type(settings.max_retries) is int
    assert RetryPolicy(quota=kind(0.5)).quota == 0.5
    failures: Any = np.int32(2)
    assert CircuitBreaker(failures=failures).failures == 2


@pytest.mark.parametrize(
    "value", [np.True_, np.str_("0.5"), np.datetime64(1, "s"), np.timedelta64(1, "ns"), np.nan]
)
def test_scalars_that_are_not_numbers(value: Any) -> None:
    """Its booleans, texts, times and durations are not numbers."""
    with pytest.raises(ConfigurationError):
        VectorcacheClient(KEY, similarity_threshold=value)
    with pytest.raises(ConfigurationError):
        VectorcacheClient(KEY, max_retries=value)


def test_tuning() -> None:
    """``tune`` takes them for thresholds, precision and limits, and integers for labels."""
    thresholds = np.array([0.25, 0.5], np.float32)
    precision: Any = Decimal("0.5")
    limit: Any = np.int64(99)
    assert estimate(["a", "b"], thresholds).thresholds == (0.25, 0.5)
    rows = [{"prompt": "a", "label": np.int64(1)}, {"prompt": "b", "label": np.int64(1)}]
    with VectorcacheClient.local(model="m") as client:
        report = tune(client, rows, thresholds=thresholds, precision=precision, max_calls=limit)
    assert type(report.wanted_precision) is float
    assert report.best_for(precision) == report.recommendation
