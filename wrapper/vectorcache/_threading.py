"""Locks that are free in a forked process, and threads that end well with their process."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from os import getpid
from types import TracebackType
from typing import Any

# Seconds to wait for a thread that has nothing left to do. Before Python 3.14, it is a fatal error
# if a subinterpreter ends before its threads.
ENDING_SECONDS = 0.5


def surroundings() -> tuple[int, type[object]]:
    """Returns what locks, queues and sockets belong to: the process, and its class of sockets.

    After ``gevent.monkey.patch_all()``, those made before would block all greenlets of a thread.
    """
    return getpid(), socket.socket


def start_thread(name: str, target: Callable[..., object], *arguments: Any) -> threading.Thread:
    """Starts a daemon thread.

    Raises:
        RuntimeError: the interpreter is ending (see ``interpreter_ends``), or the process has
            reached a limit of threads or memory.
    """
    if sys.is_finalizing():
        # Before Python 3.12, ``start`` raises nothing here, and waits forever for the thread.
        raise RuntimeError("no new thread as the interpreter ends")
    thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
    thread.start()
    return thread


def interpreter_ends(error: RuntimeError) -> bool:
    """Returns whether ``start_thread`` raised ``error`` because the interpreter is ending."""
    return sys.is_finalizing() or "shutdown" in str(error)


class _Locks(dict[Any, threading.Lock]):
    """One lock for each of the surroundings."""

    def __missing__(self, where: Any) -> threading.Lock:
        # ``setdefault`` gives two threads that come at the same time the same lock.
        return self.setdefault(where, threading.Lock())


class ForkSafeLock:
    """A lock for each process: ``lock = ForkSafeLock()``, and then ``with lock:``.

    After a fork, only the forking thread goes on. A lock that another thread held would stay held
    forever in the child.
    """

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks = _Locks()

    # These are properties, so that ``with`` calls the methods of the lock itself. In a method
    # written in Python, Ctrl-C could come after the lock is taken and before ``with`` knows it.

    @property
    def __enter__(self) -> Callable[[], bool]:
        return self._locks[surroundings()].__enter__

    @property
    def __exit__(
        self,
    ) -> Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], None]:
        return self._locks[surroundings()].__exit__
