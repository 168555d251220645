"""What the check of an answer against the description costs, beside the whole call.

    python benchmarks/contract.py [--rounds N] [--write]

Calls are made with the check and with nothing in its place, in turn, a few at a time, against a
stub that answers 2 kB with every field there is. Processor time is the client's alone; the share
is the median over the rounds of each round's own ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import platform
import statistics
import time
import timeit
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import stub

from vectorcache import AsyncVectorcacheClient, VectorcacheClient
from vectorcache._call import answer

KEY = "vc_" + 32 * "0"
PROMPT = "What is machine learning?"
GOAL = 0.05

ANSWER: dict[str, Any] = {
    "cache_hit": True,
    "response": "Machine learning is the study of programs that improve with data. " * 25,
    "similarity_score": 0.94,
    "cost_saved": 0.0023,
    "llm_provider": "cache",
    "debug": {
        "embedding_time_ms": 18.4,
        "search_time_ms": 6.2,
        "total_time_ms": 61.7,
        "matched_cache_entry_id": "4f1f7e0c-6a0b-4c59-9a53-0d4f0c1f7a2e",
        "cache_entry_count": 1280,
    },
}
BODY = json.dumps(ANSWER).encode()

CALLS = 200
CALLERS = 100


def serve() -> None:
    stub._ANSWER = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: 8f2c1d\r\n"
        b"Content-Length: %d\r\n\r\n" % len(BODY)
    ) + BODY
    asyncio.run(stub._serve())


@contextlib.contextmanager
def checking(wanted: bool) -> Iterator[None]:
    """Switches the check of answers on or off for the calls in its block."""
    check = answer._check_answer
    if not wanted:
        answer._check_answer = lambda value: None
    try:
        yield
    finally:
        answer._check_answer = check


def sync_seconds(client: VectorcacheClient) -> float:
    began = time.process_time()
    for _ in range(CALLS):
        client.query(PROMPT, "gpt-4o", include_debug=True)
    return (time.process_time() - began) / CALLS


async def async_seconds(client: AsyncVectorcacheClient) -> float:
    async def caller() -> None:
        for _ in range(CALLS // CALLERS):
            await client.query(PROMPT, "gpt-4o", include_debug=True)

    began = time.process_time()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return (time.process_time() - began) / CALLS


def sync_rounds(url: str, rounds: int) -> list[tuple[float, float]]:
    """Returns the seconds that a call takes with and without the check, for each round."""
    found = []
    with VectorcacheClient(KEY, url) as client:
        sync_seconds(client)
        for number in range(rounds):
            taken = {}
            for checked in (True, False) if number % 2 else (False, True):
                with checking(checked):
                    taken[checked] = sync_seconds(client)
            found.append((taken[True], taken[False]))
    return found


async def async_rounds(url: str, rounds: int) -> list[tuple[float, float]]:
    found = []
    async with AsyncVectorcacheClient(KEY, url, deadline=None) as client:
        await async_seconds(client)
        for number in range(rounds):
            taken = {}
            for checked in (True, False) if number % 2 else (False, True):
                with checking(checked):
                    taken[checked] = await async_seconds(client)
            found.append((taken[True], taken[False]))
    return found


def alone() -> float:
    """Returns the seconds that the check alone takes."""
    value = json.loads(BODY)
    return min(timeit.repeat(lambda: answer._check_answer(value), number=20_000, repeat=7)) / 20_000


def table(rounds: int) -> str:
    with stub.running(__file__, "--serve") as url:
        measured = {
            "sync": sync_rounds(url, rounds),
            f"async, {CALLERS} at once": asyncio.run(async_rounds(url, rounds)),
        }
    lines = [
        "| kind | with the check, µs a call "
        "| without, µs | beside it | the check alone | of a call |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    check = alone()
    for name, found in measured.items():
        checked, bare = (statistics.median(column) for column in zip(*found, strict=True))
        share = statistics.median(one / other for one, other in found)
        lines.append(
            f"| {name} | {checked * 1e6:,.0f} | {bare * 1e6:,.0f} | {share:.3f} × "
            f"| {check * 1e6:.1f} µs | {check / checked:.1%} |"
        )
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=60)
    options.add_argument("--write", action="store_true", help="keep the table in results/")
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.serve:
        serve()
        return
    text = f"""# What the check of an answer costs

Python {platform.python_version()}, httpx {httpx.__version__}, medians of {arguments.rounds}
interleaved rounds of {CALLS} calls, by `benchmarks/contract.py`: processor time of calls whose
answer ({len(BODY):,} bytes, with debug information) is checked, field by field and type by type,
and of calls whose answer is not. The goal is less than {GOAL:.0%}.

{table(arguments.rounds)}
"""
    print(text)
    if arguments.write:
        Path(__file__).with_name("results").joinpath("contract.md").write_text(text)


if __name__ == "__main__":
    main()
