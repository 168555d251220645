"""Runs the steps of scripts/test, which prepares what this needs.

Two steps run at a time: most keep one processor busy at most, and tests often wait for short times
to pass. What a step prints is shown when it ends.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Step(NamedTuple):
    """One check."""

    title: str
    minutes: float
    """About how long it takes on two processors, once the environments exist."""
    commands: tuple[str, ...]
    """What to run, one after the other, until one fails."""


CHECKS = (
    Step(
        "Types",
        2,
        (
            "mypy",
            "mypy conftest.py",
            # The standard library of the newest Python has lost and changed some names.
            "mypy --python-version 3.14 wrapper",
            "pyright",
        ),
    ),
    Step(
        "Format, lint and words that are hard to read",
        0.1,
        ("ruff format --check", "ruff check", "scripts/check-words"),
    ),
    Step("The generated client is what openapi.yaml makes", 0.1, ("scripts/generate --check",)),
    Step(
        "openapi.yaml is valid, and no change of it breaks a client",
        0.1,
        ("scripts/lint-spec", "scripts/check-breaking"),
    ),
    Step("Workflows", 0.1, ("scripts/lint-workflows",)),
    Step("Known weaknesses", 0.1, ("scripts/audit",)),
    Step("The wheel, built twice", 1, ("scripts/build",)),
    Step("The documentation site", 0.7, ("scripts/docs",)),
    Step("Clients in other languages", 1, ("scripts/generate-client --all",)),
    Step("Fuzzing, for a moment", 0.8, ("scripts/fuzz",)),
)
# The longest first, so that the others fill the time beside it. What can be tested away from the
# source is tested on the wheel.
TESTS = (
    Step("The wheel on Python 3.11", 11, ("scripts/test-wheel 3.11",)),
    Step("Tests that need the repository", 5, ("pytest -n 2 -m repository tests",)),
    Step("Code blocks of README and docs", 0.3, ("pytest README.md docs",)),
    Step("The wheel on Python 3.12", 4, ("scripts/test-wheel 3.12",)),
    Step("The wheel on Python 3.13", 5, ("scripts/test-wheel 3.13",)),
    Step("The wheel on Python 3.14", 1, ("scripts/test-wheel 3.14",)),
    Step("The wheel with the lowest versions", 6, ("scripts/test-wheel lowest",)),
    Step("LLM libraries", 4, ("scripts/test-llm -m repository", "scripts/test-wheel llm")),
    Step("Ray and Dask", 2, ("scripts/test-engines",)),
)
STEPS = CHECKS + TESTS


def main() -> None:
    minutes = sum(step.minutes for step in STEPS) / 2
    print(f"{len(STEPS)} steps, two at a time, take about {minutes:.0f} minutes on two processors.")
    print("The first run takes some minutes more, as it sets up environments. The steps are:")
    print(*(f"  {number:2} {step.title}" for number, step in enumerate(STEPS, 1)), sep="\n")
    began = time.monotonic()
    # The tests need the wheel that one of the checks builds.
    for steps in (CHECKS, TESTS):
        run_two_at_a_time(steps)
    titles = ", ".join(step.title for step in STEPS)
    say(f"All {len(STEPS)} steps passed in {duration(time.monotonic() - began)}: {titles}.")


class Done(NamedTuple):
    """A step that has ended."""

    step: Step
    seconds: float
    status: int
    output: str


def run_two_at_a_time(steps: Sequence[Step]) -> None:
    """Runs steps until one fails; then lets the one beside it end, and ends this program."""
    failed: list[Step] = []
    showing = Lock()

    def run_unless_failed(step: Step) -> None:
        if failed:
            return
        done = run(step)
        if done.status != 0:
            failed.append(step)
        with showing:
            show(done)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run_unless_failed, steps))
    for step in failed:
        commands = "".join(f"\n  {command}" for command in step.commands)
        print(f"\n{name_of(step)} failed. To run it alone, with .venv/bin on the PATH:{commands}")
    if failed:
        sys.exit(1)


def run(step: Step) -> Done:
    """Runs the commands of a step to their end."""
    say(f"{name_of(step)} (about {duration(60 * step.minutes)}) ...")
    began = time.monotonic()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(step.commands)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return Done(step, time.monotonic() - began, done.returncode, done.stdout)


def show(done: Done) -> None:
    """Shows how a step ended and what it printed."""
    ended = "passed" if done.status == 0 else "FAILED"
    say(f"{name_of(done.step)}: {ended} after {duration(done.seconds)}")
    print(done.output, end="", flush=True)


def name_of(step: Step) -> str:
    return f"step {STEPS.index(step) + 1} of {len(STEPS)}: {step.title}"


def say(text: str) -> None:
    print(f"\n=== {text}\n", end="", flush=True)


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


if __name__ == "__main__":
    main()
