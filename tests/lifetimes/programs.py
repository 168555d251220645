"""Programs that tests run on their own: what happens to a process is not for this one to try."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from clients import KEY

START = f"""
import asyncio, atexit, gc, multiprocessing, os, signal, sys, threading, time, traceback
from vectorcache import AsyncVectorcacheClient, RetryPolicy, VectorcacheClient, VectorcacheError
KEY, URL = {KEY!r}, sys.argv[1]
"""


def run(program: str, url: str, *, warnings: tuple[str, ...] = ("error",), code: int = 0) -> str:
    """What a program wrote to its error output; it has the client's names, KEY and URL.

    Args:
        program: its lines.
        url: the server's.
        warnings: filters. From Python 3.12 on, a fork where there are threads is a
            DeprecationWarning, of which the watchdog's is one.
        code: what it has to exit with.
    """
    filters = [f"-W{one}" for one in warnings]
    done = subprocess.run(
        [sys.executable, "-X", "dev", *filters, "-c", START + textwrap.dedent(program), url],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    # In development mode asyncio also tells of steps that took long, as on a busy machine.
    return "".join(
        line for line in done.stderr.splitlines(True) if not line.startswith("Executing <")
    )


FORKING = ("error", "ignore:This process:DeprecationWarning")
