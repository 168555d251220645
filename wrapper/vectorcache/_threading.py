"""Locks that a forked process finds free, and threads that know when their process ends."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from os import getpid
from types import TracebackType
from typing import Any

# How long to wait for a thread that has nothing left to do: a subinterpreter that ends while one
# of its threads has not is a fatal error in Python before 3.14.
ENDING_SECONDS = 0.5


def surroundings() -> tuple[int, type[object]]:
    """What locks, queues and sockets are made for, and of use in.

    This process, and in it the kind of sockets: from ``gevent.monkey.patch_all()`` on, those made
    before would block all of a thread's greenlets.
    """
    return getpid(), socket.socket


def start_thread(name: str, target: Callable[..., object], *arguments: Any) -> threading.Thread:
    """Starts a daemon thread.

    Raises:
        RuntimeError: the interpreter is ending (see ``interpreter_ends``), or the process has
            reached a limit of threads or memory.
    """
    if sys.is_finalizing():
        # Before Python 3.12 it says nothing, and waits for ever for the thread to have started.
        raise RuntimeError("no new thread as the interpreter ends")
    thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
    thread.start()
    return thread


def interpreter_ends(error: RuntimeError) -> bool:
    """Whether ``start_thread`` has failed by it because the interpreter is ending."""
    return sys.is_finalizing() or "shutdown" in str(error)


class _Locks(dict[Any, threading.Lock]):
    """One lock for each of the surroundings."""

    def __missing__(self, where: Any) -> threading.Lock:
        # Of two threads that come first in a new process, both get the same one.
        return self.setdefault(where, threading.Lock())


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
        return self._locks[surroundings()].__enter__

    @property
    def __exit__(
        self,
    ) -> Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], None]:
        return self._locks[surroundings()].__exit__
