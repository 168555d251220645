"""Prints how many bytes the most expensive moment of one query adds to a process, on Linux.

    python tests/transport/peak_memory.py URL sync|async

The first query is answered with whatever the server says, and loads all there is to load; the
second is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from pathlib import Path

from vectorcache import AsyncVectorcacheClient, VectorcacheClient, VectorcacheError

KEY = "vc_" + 32 * "0"
PROMPT = "What is machine learning?"


def resident(name: str) -> int:
    """VmRSS, or VmHWM, its peak, in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def begin() -> int:
    Path("/proc/self/clear_refs").write_text("5")  # The peak starts anew.
    return resident("VmRSS")


def threads(url: str) -> int:
    with VectorcacheClient(KEY, url, max_retries=0) as client:
        client.query(PROMPT, "m")
        before = begin()
        with contextlib.suppress(VectorcacheError):
            client.query(PROMPT, "m")
        return resident("VmHWM") - before


async def loop(url: str) -> int:
    async with AsyncVectorcacheClient(KEY, url, max_retries=0) as client:
        await client.query(PROMPT, "m")
        before = begin()
        with contextlib.suppress(VectorcacheError):
            await client.query(PROMPT, "m")
        return resident("VmHWM") - before


if __name__ == "__main__":
    _, url, client = sys.argv
    sys.stdout.write(str(threads(url) if client == "sync" else asyncio.run(loop(url))))
