"""Makes a million calls, one in twenty of which meets a fault, and checks that each is counted.

    scripts/soak [--calls N] [--callers N] [--with tasks threads] [--write]

The call's prompt has its number, and the right answer repeats the prompt, so that an answer given
to another call cannot go unseen. The program ends with 1 if a call is missing, was answered with
something else, failed with another error than its fault must lead to, or failed without a fault;
or if memory or open files grew over the last half.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import attrs
import httpx
import psutil
import soak_service
import stub
from soak_faults import CANCELLED, CLOSES_BEHIND, FAULTS, LIMIT, Fault, fault_of, good

from vectorcache import (
    AsyncVectorcacheClient,
    RetryPolicy,
    VectorcacheClient,
    VectorcacheError,
    VectorcacheResponse,
)
from vectorcache._settings import ClientOptions

KEY = "vc_" + 32 * "0"
EVERY = 20
SAMPLES = 200
# From the third quarter's median to the last's. What Python holds must stay the same; what the
# system's allocator keeps of it for 200 threads creeps towards its own ceiling.
FLAT_BLOCKS = 0.01
FLAT_MEMORY = 0.1
FLAT_FILES = 5


def options(url: str) -> ClientOptions:
    return {
        "api_key": KEY,
        "base_url": url,
        "model": "m",
        "max_response_bytes": LIMIT,
        "deadline": None,
        # One call in twenty-five is retried, which is more than the retry quota is meant for.
        "retry": attrs.evolve(RetryPolicy.without_waiting(), quota=1e8),
    }


class Ledger:
    """Keeps the outcome of each call."""

    def __init__(self, calls: int, names: list[str]) -> None:
        self.calls = calls
        self.names = names
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.samples: list[tuple[float, int, int]] = []
        self._done = bytearray(calls)
        self._process = psutil.Process()
        self._next = 0
        self._lock = threading.Lock()

    def take(self) -> int | None:
        """Returns the number of the next call; None after the last."""
        with self._lock:
            if self._next == self.calls:
                return None
            self._next += 1
            return self._next - 1

    def prompt(self, number: int) -> tuple[str, Fault | None]:
        name = fault_of(number, EVERY, self.names)
        if name is None:
            return str(number), None
        return f"{number}:{name}", {**FAULTS, **CANCELLED}.get(name)

    def enter(
        self, number: int, prompt: str, fault: Fault | None, outcome: object, cancelled: bool
    ) -> None:
        """Notes how call ``number`` ended, and whether that is right."""
        match outcome:
            case VectorcacheResponse():
                expected = fault is None or (fault.raises is None and not fault.cancelled)
                right = expected and outcome.response == good(prompt)["response"]
                seen = "answered"
            case VectorcacheError():
                right = fault is not None and type(outcome) is fault.raises
                seen = type(outcome).__name__
            case _:
                right = fault is not None and fault.cancelled and cancelled
                seen = "cancelled" if cancelled else repr(outcome)
        kind = prompt.partition(":")[2] or "no fault"
        with self._lock:
            self._done[number] += 1
            self.outcomes[f"{kind} | {seen}"] += 1
            if not right:
                self.wrong.append(f"{prompt}: {outcome!r}")
            if sum(self.outcomes.values()) % (self.calls // SAMPLES) == 0:
                memory = self._process.memory_info().rss / 1e6
                blocks = sys.getallocatedblocks()
                self.samples.append((memory, self._process.num_fds(), blocks))

    @property
    def missing(self) -> int:
        return self._done.count(0)

    @property
    def doubled(self) -> int:
        return sum(count > 1 for count in self._done)


async def with_tasks(url: str, ledger: Ledger, callers: int) -> None:
    async with AsyncVectorcacheClient(**options(url)) as client:

        async def caller() -> None:
            while (number := ledger.take()) is not None:
                prompt, fault = ledger.prompt(number)
                outcome: object = None
                patience = asyncio.timeout(0.5 if fault and fault.cancelled else None)
                try:
                    async with patience:
                        outcome = await client.query(prompt, **(fault.options if fault else {}))
                except VectorcacheError as error:
                    outcome = error
                except TimeoutError:
                    pass
                except Exception as error:
                    outcome = error
                ledger.enter(number, prompt, fault, outcome, patience.expired())

        await asyncio.gather(*(caller() for _ in range(callers)))


def with_threads(url: str, ledger: Ledger, callers: int) -> None:
    with VectorcacheClient(**options(url)) as client:

        def caller() -> None:
            while (number := ledger.take()) is not None:
                prompt, fault = ledger.prompt(number)
                try:
                    outcome: object = client.query(prompt, **(fault.options if fault else {}))
                except Exception as error:
                    outcome = error
                ledger.enter(number, prompt, fault, outcome, False)

        threads = [threading.Thread(target=caller) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@attrs.frozen
class Report:
    """The summary of one run."""

    ledger: Ledger
    callers: int
    seconds: float
    cpu: float

    def quarter(self, number: int, what: int) -> float:
        size = len(self.ledger.samples) // 4
        part = self.ledger.samples[size * (number - 1) : size * number]
        return statistics.median(sample[what] for sample in part)

    @property
    def faults_found(self) -> list[str]:
        ledger = self.ledger
        memory = self.quarter(4, 0) / self.quarter(3, 0) - 1
        blocks = self.quarter(4, 2) / self.quarter(3, 2) - 1
        files = self.quarter(4, 1) - self.quarter(3, 1)
        return [
            text
            for text, wrong in {
                f"{ledger.missing} missing": ledger.missing,
                f"{ledger.doubled} twice": ledger.doubled,
                f"{len(ledger.wrong)} wrong, such as {ledger.wrong[:3]}": ledger.wrong,
                f"memory grew by {memory:.1%}": memory > FLAT_MEMORY,
                f"Python's blocks of memory grew by {blocks:.1%}": blocks > FLAT_BLOCKS,
                f"open files grew by {files:.0f}": files > FLAT_FILES,
            }.items()
            if wrong
        ]

    def rows(self) -> dict[str, str]:
        ledger = self.ledger
        faulty = sum(n for kind, n in ledger.outcomes.items() if not kind.startswith("no fault"))
        memory = " / ".join(f"{self.quarter(n, 0):.1f}" for n in (1, 2, 3, 4))
        files = " / ".join(f"{self.quarter(n, 1):.0f}" for n in (1, 2, 3, 4))
        blocks = " / ".join(f"{self.quarter(n, 2) / 1e3:.1f}" for n in (1, 2, 3, 4))
        return {
            "calls": f"{ledger.calls:,}",
            "callers at once": f"{self.callers}",
            "met by a fault": f"{faulty:,} ({faulty / ledger.calls:.1%})",
            "kinds of fault": f"{len(ledger.names)}",
            "answered or failed rightly": f"{sum(ledger.outcomes.values()) - len(ledger.wrong):,}",
            "missing": f"{ledger.missing:,}",
            "entered twice": f"{ledger.doubled:,}",
            "answered with another's answer, or failed wrongly": f"{len(ledger.wrong):,}",
            "seconds": f"{self.seconds:,.0f}",
            "processor, µs a call": f"{self.cpu / ledger.calls * 1e6:,.0f}",
            "memory by quarter, MB": memory,
            "Python's blocks of memory by quarter, thousands": blocks,
            "open files by quarter": files,
        }


def run(how: str, calls: int, callers: int) -> Report:
    names = [*FAULTS, CLOSES_BEHIND, *(CANCELLED if how == "tasks" else [])]
    ledger = Ledger(calls, names)
    with stub.running(soak_service.__file__) as url:
        cpu, wall = time.process_time(), time.perf_counter()
        if how == "tasks":
            asyncio.run(with_tasks(url, ledger, callers))
        else:
            with_threads(url, ledger, callers)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Report(ledger, callers, wall, cpu)


def table(reports: dict[str, Report]) -> str:
    rows = {how: report.rows() for how, report in reports.items()}
    lines = [f"| figure | {' | '.join(rows)} |", f"| --- |{' ---: |' * len(rows)}"]
    lines += [
        f"| {name} | {' | '.join(row[name] for row in rows.values())} |"
        for name in next(iter(rows.values()))
    ]
    lines += ["", "| fault | what the calls ended with |", "| --- | --- |"]
    kinds: dict[str, list[str]] = {}
    for how, report in reports.items():
        for kind, count in report.ledger.outcomes.items():
            fault, _, seen = kind.partition(" | ")
            kinds.setdefault(fault, []).append(f"{seen} {count:,} ({how})")
    lines += [f"| {fault} | {', '.join(seen)} |" for fault, seen in sorted(kinds.items())]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1_000_000, help="of each kind of caller")
    parser.add_argument("--callers", type=int, default=200)
    parser.add_argument("--with", dest="ways", nargs="+", default=["tasks", "threads"])
    parser.add_argument("--write", action="store_true", help="keep the table in results/")
    arguments = parser.parse_args()
    reports = {how: run(how, arguments.calls, arguments.callers) for how in arguments.ways}
    text = (
        f"# A million calls, accounted for\n\nPython {platform.python_version()}, "
        f"httpx {httpx.__version__}, by `scripts/soak`.\n\n{table(reports)}\n"
    )
    print(text)
    if arguments.write:
        Path(__file__).with_name("results").joinpath("soak.md").write_text(text)
    found = [f"{how}: {fault}" for how, report in reports.items() for fault in report.faults_found]
    print("\n".join(found) or "All calls are accounted for, and nothing grew.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
