"""Writes docs/faults.md from the scenarios; with --check, only says whether it is current."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from faults.scenario import Answers, Group, Scenario
from faults.table import GROUPS

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"

INTRODUCTION = """\
# What goes wrong, and what you see

Each row is a test. A server on this machine does to the client what the first column says, over
real sockets; the client must do what the second column says, and the server must count as many
requests as the fourth one says. There are {count} of them, and each is run with both clients.

```bash
pytest tests/faults
```

Beside its own promise, each test sees to it that

- what is raised is just the class that is named, with the original exception as its `__cause__`
  where there was one;
- time is kept: a deadline is met to within 0.3 s, and no wait is shorter than was asked for;
- the key is sent in `Authorization` and is nowhere else: not in the message, the attributes, the
  causes or the pickle of an error, in the variables of its frames, or in any log (httpcore logs
  the headers of answers at DEBUG: a server that repeats the key there does so in that log too);
- the same client, which holds one connection, answers the next query.

Where a row says nothing else, there are up to three attempts, without a wait between them.
"Repeated once" is what may have been paid for: outside these tests, that waits a second at least.

This page is written by `scripts/document-faults`, from the scenarios in `tests/faults/scenarios`.
"""

ELSEWHERE = """\
## Shown by tests of their own

These need more than a server that misbehaves: HTTP/2, a signal, or a process of their own.

| what goes wrong | what you see | test |
| --- | --- | --- |"""

# What goes wrong, what is seen, and the test, below tests/.
SHOWN_ELSEWHERE = (
    (
        "Over HTTP/2 (`httpx.Client(http2=True)`), no answer comes or the connection breaks",
        "The request is repeated once.",
        "transport/test_http2.py",
    ),
    (
        "A signal handler or another thread raises something in a call",
        "That exception itself. Nothing is repeated.",
        "lifetimes/test_foreign_exceptions.py",
    ),
    (
        "An event hook or the auth of your own httpx client raises something",
        "That exception itself. Nothing is repeated.",
        "lifetimes/test_foreign_exceptions.py",
    ),
    (
        "The process is frozen past its timeout, and the answer arrives during that time",
        "The answer.",
        "lifetimes/test_frozen.py",
    ),
    (
        "gevent patches the standard library after the client was made",
        "Greenlets wait for their answers at the same time.",
        "lifetimes/test_gevent.py",
    ),
    (
        "A subinterpreter ends right after `close()`",
        "The subinterpreter ends without waiting.",
        "lifetimes/test_subinterpreters.py",
    ),
    (
        "respx, pytest-httpx or vcrpy answers requests on a machine without a network",
        "The answer that was prepared. No host name is looked up.",
        "transport/test_mocked_transports.py",
    ),
)


def page() -> str:
    """The whole page."""
    count = sum(len(group.scenarios) for group in GROUPS)
    return "\n".join(
        [INTRODUCTION.format(count=count), *map(section, GROUPS), ELSEWHERE, *elsewhere(), ""]
    )


def elsewhere() -> Iterator[str]:
    for fault, seen, test in SHOWN_ELSEWHERE:
        yield f"| {fault} | {seen} | `tests/{test}` |"


def section(group: Group) -> str:
    return "\n".join(
        [
            f"## {group.title}",
            "",
            "| what goes wrong | what you see | it ends with | requests | over |",
            "| --- | --- | --- | --- | --- |",
            *rows(group),
            "",
        ]
    )


def rows(group: Group) -> Iterator[str]:
    for scenario in group.scenarios:
        cells = (
            scenario.fault,
            scenario.promise,
            ends(scenario),
            requests(scenario),
            " and ".join(scenario.over),
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def ends(scenario: Scenario) -> str:
    """How the calls end, each way once, in the order in which they do."""
    ways = (
        "an answer" if isinstance(seen, Answers) else f"`{seen.error.__name__}`"
        for seen in scenario.outcomes()
    )
    return ", ".join(dict.fromkeys(ways))


def requests(scenario: Scenario) -> str:
    counted = scenario.requests
    if isinstance(counted, range):
        return f"{counted.start} to {counted.stop - 1}"
    return str(counted)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/document-faults", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE.name} is out of date: run ./scripts/document-faults")


if __name__ == "__main__":
    main()
