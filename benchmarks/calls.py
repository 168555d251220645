"""What a call costs: this package beside raw httpx, the bare generated client and the guide.

    python benchmarks/calls.py [--rounds N] [--write]

All run against one stub on loopback. A round runs every contender once, in changing order; the
figures are medians over the rounds, and the ratios medians of each round's own ratio, so that a
machine that is busy for a while is busy for all of them. Processor time is the client's alone.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import httpx
import requests
import stub

from vectorcache import AsyncVectorcacheClient, VectorcacheClient
from vectorcache_api import AuthenticatedClient
from vectorcache_api.api.cache.query_cache import asyncio_detailed, sync_detailed
from vectorcache_api.models import QueryRequest

KEY = "vc_" + 32 * "0"
PROMPT = "What is machine learning?"
JSON = {"prompt": PROMPT, "model": "gpt-4o", "similarity_threshold": 0.85, "include_debug": False}
HEADERS = {"Authorization": f"Bearer {KEY}"}
BODY = QueryRequest(prompt=PROMPT, model="gpt-4o")

SYNC_CALLS = 300
ASYNC_CALLS = {1: 300, 10: 500, 100: 1_000, 1_000: 2_000}


@attrs.frozen
class Cost:
    """Processor time and elapsed time of one call, in seconds."""

    cpu: float
    wall: float


def guide_class(url: str) -> Any:
    """The client class of the service's guide for Python, in essence."""
    session = requests.Session()
    session.headers.update({**HEADERS, "Content-Type": "application/json"})

    def query() -> None:
        response = session.post(f"{url}/v1/cache/query", json=JSON, timeout=30)
        response.raise_for_status()
        response.json()

    return session, query


def sync_round(url: str, name: str) -> Cost:
    limits = httpx.Limits(max_connections=100)
    with httpx.Client(timeout=30.0, limits=limits, verify=False) as raw:
        bare = AuthenticatedClient(base_url=url, token=KEY, verify_ssl=False)
        session, guide = guide_class(url)
        with bare as generated, session, VectorcacheClient(KEY, url) as ours:
            call: Callable[[], object] = {
                "raw httpx": lambda: raw.post(
                    f"{url}/v1/cache/query", json=JSON, headers=HEADERS
                ).json(),
                "generated client": lambda: sync_detailed(client=generated, body=BODY),
                "vectorcache": lambda: ours.query(PROMPT, "gpt-4o"),
                "guide on requests": guide,
            }[name]
            for _ in range(20):
                call()
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(SYNC_CALLS):
                call()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(cpu / SYNC_CALLS, wall / SYNC_CALLS)


async def async_round(url: str, name: str, callers: int) -> Cost:
    limits = httpx.Limits(max_connections=100)
    async with (
        # No timeout for a place in httpx's pool: at 1,000 callers most calls would fail by it.
        httpx.AsyncClient(
            timeout=httpx.Timeout(30.0, pool=None), limits=limits, verify=False
        ) as raw,
        AuthenticatedClient(
            base_url=url,
            token=KEY,
            verify_ssl=False,
            timeout=httpx.Timeout(30.0, pool=None),
            httpx_args={"limits": limits},
        ) as generated,
        AsyncVectorcacheClient(KEY, url, deadline=None) as ours,
    ):

        async def raw_call() -> None:
            (await raw.post(f"{url}/v1/cache/query", json=JSON, headers=HEADERS)).json()

        call: Callable[[], Awaitable[object]] = {
            "raw httpx": raw_call,
            "generated client": lambda: asyncio_detailed(client=generated, body=BODY),
            "vectorcache": lambda: ours.query(PROMPT, "gpt-4o"),
        }[name]
        calls = ASYNC_CALLS[callers]

        async def caller(share: int) -> None:
            for _ in range(share):
                await call()

        await asyncio.gather(*(caller(1) for _ in range(min(callers, 100))))
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(caller(calls // callers) for _ in range(callers)))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(cpu / calls, wall / calls)


def measure(url: str, rounds: int) -> dict[tuple[str, str], list[Cost]]:
    costs: dict[tuple[str, str], list[Cost]] = {}
    for number in range(rounds):
        names = ["raw httpx", "generated client", "vectorcache", "guide on requests"]
        names = names[number % 4 :] + names[: number % 4]
        for name in names:
            costs.setdefault(("sync", name), []).append(sync_round(url, name))
        for callers in ASYNC_CALLS:
            for name in names:
                if name != "guide on requests":
                    cost = asyncio.run(async_round(url, name, callers))
                    costs.setdefault((f"async {callers:,}", name), []).append(cost)
    return costs


def ratio(over: list[Cost], under: list[Cost], what: str) -> float:
    pairs = zip(over, under, strict=True)
    ratios: list[float] = [getattr(a, what) / getattr(b, what) for a, b in pairs]
    return statistics.median(ratios)


def table(costs: dict[tuple[str, str], list[Cost]]) -> str:
    lines = [
        "| kind | contender | processor, µs a call "
        "| beside raw httpx | wall, µs a call | beside it |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for (mode, name), found in costs.items():
        raw = costs[mode, "raw httpx"]
        cpu, wall = (statistics.median(getattr(c, w) for c in found) for w in ("cpu", "wall"))
        lines.append(
            f"| {mode} | {name} | {cpu * 1e6:,.0f} | {ratio(found, raw, 'cpu'):.2f} × "
            f"| {wall * 1e6:,.0f} | {ratio(found, raw, 'wall'):.2f} × |"
        )
    growth = ratio(costs["async 1,000", "vectorcache"], costs["async 10", "vectorcache"], "cpu")
    lines.append("")
    lines.append(f"vectorcache at 1,000 callers costs {growth:.2f} times what it costs at 10.")
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=12)
    options.add_argument("--write", action="store_true", help="keep the table in results/")
    arguments = options.parse_args()
    with stub.running() as url:
        text = table(measure(url, arguments.rounds))
    text = (
        f"# What a call costs\n\nPython {platform.python_version()}, httpx {httpx.__version__}, "
        f"medians of {arguments.rounds} interleaved rounds, by `benchmarks/calls.py`.\n\n{text}\n"
    )
    print(text)
    if arguments.write:
        Path(__file__).with_name("results").joinpath("calls.md").write_text(text)


if __name__ == "__main__":
    main()
