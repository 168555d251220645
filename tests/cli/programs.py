"""The program as a process of its own, with pipes or in a terminal."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

WAIT = 60.0

COMMAND = (sys.executable, "-m", "vectorcache.cli")


class Ended(NamedTuple):
    """What a run of the program left behind."""

    code: int
    out: str
    err: str


def environment(**changes: str) -> dict[str, str]:
    """The test's own environment, and what a user has set up besides."""
    # The width of the terminal in which the tests run must make no difference.
    return {**os.environ, "COLUMNS": "80", "TERM": "xterm", **changes}


def run_program(*arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ended:
    """Runs the program to its end."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        env=environment(**(env or {})),
        timeout=WAIT,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


class Terminal:
    """The program in a terminal, with a user who types."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self.screen = ""
        self._seen = 0
        self._own, theirs = os.openpty()
        # The first of a session to open a terminal has it for its own, with Ctrl-C.
        opening = 'exec < "$0" > "$0" 2>&1; exec "$@"'
        self.process = subprocess.Popen(
            ["sh", "-c", opening, os.ttyname(theirs), *COMMAND, *arguments],
            env=environment(**(env or {})),
            start_new_session=True,
        )
        self._theirs = theirs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(WAIT)
        os.close(self._own)
        os.close(self._theirs)

    def wait_for(self, text: str) -> None:
        """Reads what is shown until ``text`` is, after what was waited for before."""
        while (place := self.screen.find(text, self._seen)) < 0:
            assert self._read(WAIT), f"it shows no {text!r}: {self.screen}"
        self._seen = place + len(text)

    def type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def end(self) -> int:
        """Waits for the end, and reads what is shown until then."""
        ends = time.monotonic() + WAIT
        # It is over before the last that it showed is read.
        while self.process.poll() is None or self._read(0):
            self._read(0.05)
            assert time.monotonic() < ends, f"it does not end: {self.screen}"
        return self.process.wait(WAIT)

    def interrupt(self) -> int:
        """Types Ctrl-C, and waits for the end.

        Python's line editor overlooks one that comes just as it begins to wait, until the next.
        """
        ends = time.monotonic() + WAIT
        while self.process.poll() is None:
            self.type("\x03")
            again = time.monotonic() + 5
            while self.process.poll() is None and time.monotonic() < again:
                self._read(0.05)
            assert time.monotonic() < ends, f"it does not end: {self.screen}"
        return self.end()

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._own], [], [], seconds)
        if ready:
            self.screen += os.read(self._own, 65_536).decode(errors="replace")
        return bool(ready)


def wait_until_exists(path: os.PathLike[str], process: subprocess.Popen[bytes]) -> None:
    """Waits until the program has made a file."""
    ends = time.monotonic() + WAIT
    while not os.path.exists(path):
        assert process.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.01)
