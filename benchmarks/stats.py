"""What ``client.stats`` costs a call: taking note of it, and counting it later.

    python benchmarks/stats.py [--rounds N] [--write]

Processor time of the thread, of everything that is done for the statistics of one answered call
without observers, and of the same by several threads at once. Medians over the rounds.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import threading
import time
from pathlib import Path

import httpx

from vectorcache import FinishedCall, ObservedCall, VectorcacheResponse
from vectorcache._observer import Observed
from vectorcache._query import Query
from vectorcache._stats.recorder import Recorder

CALLS = 100_000
THREADS = 8
GOAL = 2e-6

URL = httpx.URL("https://api.vectorcache.com")
QUERY = Query("What is machine learning?", "gpt-4o", 0.85, "support")
HIT = VectorcacheResponse(True, "The study of programs that improve.", 0.94, 0.0023, "cache")


def note(recorder: Recorder, calls: int) -> float:
    """Returns the processor time of a number of calls in seconds, without that of the loop."""
    # Times from 1 ms to 1 s, so that they fall into as many buckets as real ones.
    times = [0.001 * (1 + n % 1_000) for n in range(calls)]
    began = time.thread_time()
    for elapsed in times:
        call = ObservedCall(QUERY, "api.vectorcache.com", URL)
        observed = Observed(recorder, (), call)
        observed.started()
        observed.finished(FinishedCall(HIT, None, 1, elapsed))
    noted = time.thread_time() - began
    began = time.thread_time()
    for _ in times:
        pass
    return noted - (time.thread_time() - began)


def by_one() -> float:
    return note(Recorder(), CALLS) / CALLS


def by_several() -> float:
    recorder, spent = Recorder(), list[float]()

    def work() -> None:
        spent.append(note(recorder, CALLS // THREADS))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.snapshot().hits == CALLS
    return sum(spent) / CALLS


def snapshot(contexts: int) -> float:
    """Returns the seconds that one reading of the statistics takes."""
    recorder = Recorder()
    for n in range(50_000):
        recorder.answered(
            "gpt-4o", f"context {n % contexts}", True, 0.9, 0.002, 0.001 * (n % 997), 1
        )
    recorder.snapshot()
    began = time.thread_time()
    recorder.snapshot()
    return time.thread_time() - began


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--write", action="store_true", help="keep the table in results/")
    arguments = options.parse_args()
    found: dict[str, list[float]] = {"one thread": [], f"{THREADS} threads at once": []}
    for _ in range(arguments.rounds):
        found["one thread"].append(by_one())
        found[f"{THREADS} threads at once"].append(by_several())
    rows = [f"| {name} | {1e6 * statistics.median(times):.2f} |" for name, times in found.items()]
    reading = [1e3 * statistics.median(snapshot(n) for _ in range(5)) for n in (1, 10, 1_000)]
    text = f"""# What statistics cost

Python {platform.python_version()}, medians of {arguments.rounds} rounds of {CALLS:,} answered
calls, by `benchmarks/stats.py`: processor time of all that is done for `client.stats`. The goal is
less than {1e6 * GOAL:g} µs a call.

| callers | µs a call |
| --- | ---: |
{chr(10).join(rows)}

Reading `client.stats` takes {reading[0]:.1f} ms with one context, {reading[1]:.1f} ms with ten and
{reading[2]:.0f} ms with a thousand.
"""
    print(text)
    if arguments.write:
        Path(__file__).with_name("results").joinpath("stats.md").write_text(text)


if __name__ == "__main__":
    main()
