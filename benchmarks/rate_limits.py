"""How much of what is allowed a rate limit uses, and how often it is refused.

    PYTHONPATH=tests python benchmarks/rate_limits.py [--write]

An hour of virtual time with 50 workers, by the tests' own simulation, which uses the client's own
gates; and three minutes of real time with four processes that share a limit through Redis, where
there is a Redis server on this machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path

from rate_limiting.redis_server import RedisServer, executable
from rate_limiting.simulation import SERVERS, simulate
from servers import Received, ScriptedServer, answer

from vectorcache import RateLimiter, RateLimitError, VectorcacheClient
from vectorcache._rate_limit.window import Rate

RESULTS = Path(__file__).parent / "results" / "rate_limits.md"
KEY = "vc_" + 32 * "0"
TOLD, BURST = 100, 120
HOUR, MINUTE = 3_600.0, 60.0
ALLOWED = int(TOLD * HOUR / MINUTE)
SEEDS = (1, 2, 3)
WAYS: list[tuple[str, list[str]]] = [
    ('`"auto"`', ["auto"]),
    ('`"auto"`', ["auto"] * 4),
    ('`"auto"`', ["auto"] * 8),
    ('`"100/minute"`', ["100/minute"]),
    ('`"25/minute"`', ["25/minute"] * 4),
]

REDIS_LIMIT, REDIS_BURST = 600, 720
REDIS_SECONDS = 180
REDIS_PROCESSES, THREADS = 4, 12

HEAD = """# Rate limits

50 workers want to ask again as soon as they have their answers, for an hour of virtual time, by
`benchmarks/rate_limits.py`. Requests are 5 to 300 ms on their way, hits take 50 ms and misses up
to 5 s. **Allowed** are {allowed:,} requests, {told} a minute, as `X-RateLimit-Limit` says. The
burst is not counted in, so more than 100 % means that some of it was used. A row has the worst of
{runs} runs with other random delays: the fewest answers, the most 429, the most unequal shares.

- **fixed window**: counts by the minute of the clock; what is left is told of {told}.
- **sliding log**: counts the last 60 seconds; what is left is told of {told}, Reset is when the
  oldest request leaves.
- **token bucket**: gets {told} a minute and holds as many as the burst; what is left are its
  tokens, Reset is when it will be full.

Processes know nothing of one another: with `"auto"` each sees only what the service answers it.
One that is alone sends {told} in {window:g} s at most. The hour begins with such a lot, and so has
60 of them.
"""


def row(name: str, limits: Sequence[str], server: str, cap: int) -> str:
    tallies = [simulate(limits, SERVERS[server](TOLD, cap), seed=seed) for seed in SEEDS]
    answered = min(sum(tally.answered) for tally in tallies)
    after = max(tally.refused_after(MINUTE) for tally in tallies)
    first = max(len(tally.refused) - tally.refused_after(MINUTE) for tally in tallies)
    least = min(min(tally.answered) / max(tally.answered) for tally in tallies)
    fairness = f"{least:.2f}" if len(limits) > 1 else ""
    return (
        f"| {name} | {len(limits)} | {server} | {answered:,} | {answered / ALLOWED:.1%} "
        f"| {first} | {after} | {fairness} |"
    )


def table(cap: int) -> list[str]:
    lines = [
        "| `rate_limit` | processes | the service counts by | answered | of what is allowed "
        "| 429 in the first minute | 429 after it | least / most of a process |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, limits in WAYS:
        for server in SERVERS:
            lines.append(row(name, limits, server, cap))
            print(lines[-1], flush=True)
    return lines


class Counting:
    """A sliding log over the last minute, in real time."""

    def __init__(self) -> None:
        self.refused = 0
        self._log: deque[float] = deque()
        self._lock = threading.Lock()

    def __call__(self, request: Received) -> bytes:
        with self._lock:
            now = time.time()
            while self._log and self._log[0] <= now - MINUTE:
                self._log.popleft()
            if len(self._log) >= REDIS_BURST:
                self.refused += 1
                return answer({"detail": "too many"}, status=429)
            self._log.append(now)
        return answer(headers={"Date": formatdate(now, usegmt=True)})


def over_redis(program: str) -> str:
    counting = Counting()
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer(program, Path(folder)) as redis,
        ScriptedServer() as server,
    ):
        server.respond = counting
        processes = [
            subprocess.Popen(
                [sys.executable, __file__, "--worker", server.url, redis.url],
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(REDIS_PROCESSES)
        ]
        answered = [int(process.communicate()[0]) for process in processes]
    allowed = REDIS_LIMIT * REDIS_SECONDS // 60
    return (
        f'| `RateLimiter("{REDIS_LIMIT}/minute", redis_url=...)` | {REDIS_PROCESSES} '
        f"| sliding log | {sum(answered):,} | {sum(answered) / allowed:.1%} | {counting.refused} "
        f"| {min(answered) / max(answered):.2f} |"
    )


def work(url: str, redis_url: str) -> None:
    limiter = RateLimiter(f"{REDIS_LIMIT}/minute", redis_url=redis_url)
    ends = time.monotonic() + REDIS_SECONDS
    answered = []
    with VectorcacheClient(
        KEY, url, model="m", rate_limit=limiter, max_retries=0, deadline=None
    ) as client:

        def ask() -> None:
            while time.monotonic() < ends:
                try:
                    client.query("Q")
                except RateLimitError:
                    continue
                if time.monotonic() < ends:
                    answered.append(1)

        # Calls that still wait for the next minute at the end are not counted.
        threads = [threading.Thread(target=ask, daemon=True) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        time.sleep(ends - time.monotonic())
    print(len(answered))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write results/rate_limits.md")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(*arguments.worker)
        return
    lines = [
        HEAD.format(allowed=ALLOWED, told=TOLD, runs=len(SEEDS), window=Rate(TOLD, MINUTE).window)
    ]
    lines += [f"## As the service documents it: {TOLD} a minute, burst {BURST}", ""]
    lines += [*table(BURST), ""]
    lines += ["## Where the service allows no burst", "", *table(TOLD), ""]
    program = executable()
    if program is not None:
        lines += [
            "## Shared through Redis",
            "",
            f"{REDIS_PROCESSES} processes of {THREADS} threads each, {REDIS_SECONDS} seconds of "
            f"real time, a service on loopback that allows",
            f"{REDIS_LIMIT} a minute, burst {REDIS_BURST}.",
            "",
            "| `rate_limit` | processes | the service counts by | answered | of what is allowed "
            "| 429 | least / most of a process |",
            "| --- | ---: | --- | ---: | ---: | ---: | ---: |",
            over_redis(program),
            "",
        ]
        print(lines[-2])
    if arguments.write:
        RESULTS.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
