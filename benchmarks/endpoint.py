"""What a query costs over a socket: `vectorcache serve` beside the same cache in this process.

    python benchmarks/endpoint.py [--queries N] [--write]

One client on one kept connection, then sixteen threads with a connection each. Times are on the
clock, from the call to its result, and include the client. --write puts the table into
results/endpoint.md. Needs the extras: pip install 'vectorcache-python[cli,local]'
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx

from vectorcache import VectorcacheClient

RESULTS = Path(__file__).parent / "results" / "endpoint.md"
KEY = "vc_" + 32 * "0"
MODEL = "gpt-4o"
STORED = "How do I reset my password?"
REWORDED = "how do I reset my password"
THREADS = 16


@contextmanager
def serving() -> Iterator[str]:
    """Runs the embedded service in a process of its own, and yields its URL."""
    command = [sys.executable, "-m", "vectorcache.cli", "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


def times_of(call: Callable[[], object], queries: int) -> list[float]:
    """Returns the milliseconds of each call, after ten calls that are not counted."""
    for _ in range(10):
        call()
    times = []
    for _ in range(queries):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return times


def row(what: str, times: list[float]) -> str:
    cuts = statistics.quantiles(times, n=100)
    return f"| {what} | {statistics.median(times):.2f} | {cuts[98]:.2f} |"


def bare_calls(url: str) -> tuple[httpx.Client, Callable[[], object]]:
    client = httpx.Client(headers={"Authorization": f"Bearer {KEY}"})

    def call() -> None:
        client.post(f"{url}/v1/cache/query", json={"prompt": STORED, "model": MODEL})

    return client, call


def measure(queries: int) -> list[str]:
    rows = []
    with VectorcacheClient.local() as local:
        local.query(STORED, MODEL)
        rows += [
            row("in process, exact repeat", times_of(lambda: local.query(STORED, MODEL), queries)),
            row("in process, reworded", times_of(lambda: local.query(REWORDED, MODEL), queries)),
        ]
    with serving() as url, VectorcacheClient(KEY, base_url=url) as client:
        client.query(STORED, MODEL)
        bare, call = bare_calls(url)
        with bare:
            rows.append(row("served, exact repeat, bare httpx", times_of(call, queries)))
        rows += [
            row("served, exact repeat", times_of(lambda: client.query(STORED, MODEL), queries)),
            row("served, reworded", times_of(lambda: client.query(REWORDED, MODEL), queries)),
        ]
        started = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda _: client.query(STORED, MODEL), range(queries)))
        rate = queries / (time.perf_counter() - started)
    return [
        "| query | median, ms | 99th percentile, ms |",
        "| --- | --- | --- |",
        *rows,
        "",
        f"{THREADS} threads of one client, exact repeats: {rate:,.0f} queries a second.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    lines = [
        "# The embedded service over a socket, measured",
        "",
        f"Written by `benchmarks/endpoint.py` on Python {platform.python_version()}, "
        f"uvicorn {version('uvicorn')}, {platform.system()} on {platform.machine()}, "
        f"{os.cpu_count()} cores, {arguments.queries:,} queries a row.",
        "",
        *measure(arguments.queries),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.write:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
