"""Writes docs/faults.md from the scenarios; with --check, only reports whether it is current."""

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

Each row is a test. A server on this machine causes the fault in the first column, over real
sockets. The second column says what the caller sees, the third how the call ends, the fourth how
many requests the server counts, and the fifth whether the test runs over `http`, `https` or both.
There are {count} tests, and each one runs with the sync and with the async client.

```bash
pytest tests/faults
```

In addition to its own promise, each test checks that

- the error has exactly the class that is named, and its `__cause__` is the original exception if
  there was one;
- the time is right: a call ends at most 0.3 s after its deadline (2 s where a server floods the
  client from within the same process), and no wait is shorter than the service asked for;
- the key is sent in `Authorization` and appears nowhere else: not in the message, the attributes,
  the causes or the pickle of an error, not in the variables of its frames, and not in any log. (One
  log is excepted: httpcore logs the headers of answers at DEBUG, so the key is there if the server
  repeats it in a header.)
- the same client, which may hold only one connection, answers the next query.

Unless a row says otherwise, a call makes up to three attempts, without a wait between them.
"Retried once" marks requests that may have been paid for: the client sends such a request once
more at most, and outside these tests it waits at least one second before that.

`scripts/document-faults` writes this page from the scenarios in `tests/faults/scenarios`.
"""

ELSEWHERE = """\
## Faults with separate tests

These faults need more than a misbehaving server: HTTP/2, a signal, or a separate process.

| what goes wrong | what you see | test |
| --- | --- | --- |"""

# The fault, what the caller sees, and the path of the test below tests/.
SHOWN_ELSEWHERE = (
    (
        "Over HTTP/2 (`httpx.Client(http2=True)`), no answer comes or the connection breaks",
        "The request is retried once.",
        "transport/test_http2.py",
    ),
    (
        "A signal handler or another thread raises an exception in a call",
        "The call raises that exception, and is not retried.",
        "lifetimes/test_foreign_exceptions.py",
    ),
    (
        "An event hook or the auth of your own httpx client raises an exception",
        "The call raises that exception, and is not retried.",
        "lifetimes/test_foreign_exceptions.py",
    ),
    (
        "The process is frozen past its timeout, and the answer arrives during that time",
        "The call returns the answer.",
        "lifetimes/test_frozen.py",
    ),
    (
        "gevent patches the standard library after the client was made",
        "Greenlets still wait for their answers at the same time.",
        "lifetimes/test_gevent.py",
    ),
    (
        "A subinterpreter ends right after `close()`",
        "The subinterpreter ends without waiting.",
        "lifetimes/test_subinterpreters.py",
    ),
    (
        "respx, pytest-httpx or vcrpy answers requests on a machine without a network",
        "The call returns the prepared answer. No host name is looked up.",
        "transport/test_mocked_transports.py",
    ),
)


def page() -> str:
    """Returns the text of the whole page."""
    count = sum(len(group.scenarios) for group in GROUPS)
    return "\n".join(
        [INTRODUCTION.format(count=count), *map(section, GROUPS), ELSEWHERE, *elsewhere(), ""]
    )


def elsewhere() -> Iterator[str]:
    """Yields the rows of the faults with separate tests."""
    for fault, seen, test in SHOWN_ELSEWHERE:
        yield f"| {fault} | {seen} | `tests/{test}` |"


def section(group: Group) -> str:
    """Returns the section of one group."""
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
    """Yields one row for each scenario of a group."""
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
    """Returns the different ways in which the calls end, in the order in which they occur."""
    ways = (
        "an answer" if isinstance(seen, Answers) else f"`{seen.error.__name__}`"
        for seen in scenario.outcomes()
    )
    return ", ".join(dict.fromkeys(ways))


def requests(scenario: Scenario) -> str:
    """Returns how many requests the server counts."""
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
