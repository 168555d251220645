"""Lets a test know how many callers have joined, which nothing public says."""

from __future__ import annotations

import threading
from typing import Any

from vectorcache._call.coalescing import Coalescing, Member


class Joined(Coalescing[Any]):
    """Says how many callers have joined since the test waited last."""

    def __init__(self) -> None:
        super().__init__()
        self._joined = threading.Semaphore(0)

    def join(self, member: Member[Any]) -> None:
        super().join(member)
        self._joined.release()

    def wait_for(self, callers: int, seconds: float = 20.0) -> None:
        for _ in range(callers):
            assert self._joined.acquire(timeout=seconds)
