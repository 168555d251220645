"""Locks that a forked process finds free, whoever held them in its parent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from os import getpid
from types import TracebackType


class _Locks(dict[int, threading.Lock]):
    """One lock for each process."""

    def __missing__(self, process: int) -> threading.Lock:
        # Of two threads that come first in a new process, both get the same one.
        return self.setdefault(process, threading.Lock())


class ForkSafeLock:
    """A lock for each process: ``lock = ForkSafeLock()``, and then ``with lock:``.

    After a fork only the forking thread goes on: a lock that another thread held stays held for
    ever in the child.
    """

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks = _Locks()

    # Properties, so that ``with`` calls the lock's own methods: in a method of ours Ctrl-C could
    # come when the lock is taken and nobody knows yet that it must be given back.

    @property
    def __enter__(self) -> Callable[[], bool]:
        return self._locks[getpid()].__enter__

    @property
    def __exit__(
        self,
    ) -> Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], None]:
        return self._locks[getpid()].__exit__
