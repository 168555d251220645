from __future__ import annotations

from importlib.util import find_spec

# Each engine has an environment of its own: scripts/test-engines and scripts/test-spark.
if not any(find_spec(engine) for engine in ("dask", "pyspark", "ray")):
    collect_ignore = ["test_examples.py"]
