"""Ends sync attempts whose time is over.

The timeouts of httpx limit a single read: a server that sends a byte now and then keeps a blocking
call alive forever. Async attempts are cancelled instead, and do not need this.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import sys
import threading
import time

from .._call.attempt import Attempt
from .._call.foreign_exceptions import is_of_interruption
from .._threading import ENDING_SECONDS, start_thread

# Seconds for which the thread waits for more work before it ends.
_LINGER = 10.0

# Seconds after which it tries again to shut down a socket.
_AGAIN = 0.05


class Watchdog:
    """One thread, started when first needed, that shuts down the sockets of late attempts."""

    def __init__(self) -> None:
        self._attempts: set[Attempt] = set()
        self._thread: threading.Thread | None = None
        self._ending: threading.Thread | None = None
        self._wakes = 0.0
        self._stopped = False
        # A lock and a queue are used, as Ctrl-C inside a Condition may leave it locked.
        self._lock = threading.Lock()
        self._earlier: queue.SimpleQueue[None] = queue.SimpleQueue()

    def watch(self, attempt: Attempt) -> None:
        """Lets ``attempt`` wait for the network no longer than ``attempt.time.ends``."""
        if _no_more_threads():
            return
        with self._lock:
            self._attempts.add(attempt)
            self._wake_by(attempt.time.ends)

    def hurry(self, attempt: Attempt) -> None:
        """Checks a watched attempt at once, as its ``time.ends`` has changed."""
        if _no_more_threads():
            return
        with self._lock:
            if attempt in self._attempts:
                self._wake_by(attempt.time.ends)

    def _wake_by(self, moment: float | None) -> None:
        if moment is None:
            return
        if self._thread is None or not self._thread.is_alive():
            self._wakes = moment
            try:
                self._thread = start_thread("vectorcache-watchdog", self._run)
            except RuntimeError as error:  # Without a thread, only the timeouts of httpx apply.
                if is_of_interruption(error):
                    raise
        elif moment < self._wakes:
            self._earlier.put(None)

    def forget(self, attempt: Attempt) -> None:
        """Stops watching an attempt, as another attempt may use its socket from now on."""
        if _no_more_threads():
            return
        with self._lock:
            self._attempts.discard(attempt)

    def stop(self, *, wait: bool) -> None:
        """Ends the thread as soon as there is nothing to watch.

        Args:
            wait: whether to wait for the end of a thread that has nothing to watch.
        """
        self._stopped = True
        self._earlier.put(None)
        thread = self._thread or self._ending
        if wait and thread is not None and not self._attempts and not _no_more_threads():
            thread.join(ENDING_SECONDS)

    def _run(self) -> None:
        while self._look():
            with contextlib.suppress(queue.Empty):
                left = self._wakes - time.monotonic()
                self._earlier.get(timeout=min(max(0.0, left), _LINGER))

    def _look(self) -> bool:
        """Shuts down the sockets of late attempts; returns whether the thread goes on."""
        with self._lock:
            now = time.monotonic()
            for attempt in [
                a for a in self._attempts if a.time.ends is not None and a.time.ends <= now
            ]:
                if _shut(attempt):
                    self._attempts.discard(attempt)
            # An attempt that is still connecting has no socket yet; it is tried again later.
            ends = [
                max(a.time.ends, now + _AGAIN) for a in self._attempts if a.time.ends is not None
            ]
            if not ends and (self._stopped or now >= self._wakes):
                self._thread, self._ending = None, self._thread
                return False
            self._wakes = min(ends, default=now + _LINGER)
            return True


def _no_more_threads() -> bool:
    """Returns whether the interpreter is ending: then only the timeouts of httpx apply.

    The watchdog's thread has stopped at any point by then, and may hold the lock.
    """
    return sys.is_finalizing()


def _shut(attempt: Attempt) -> bool:
    """Shuts down the socket of an attempt; returns whether there was one.

    The thread of the attempt closes the socket itself.
    """
    if attempt.trace.network_stream is None:
        return False
    connection = attempt.trace.network_stream.get_extra_info("socket")
    if isinstance(connection, ssl.SSLSocket):
        # ``SSLSocket.shutdown`` would drop the TLS state, which the other thread is using.
        connection = super(ssl.SSLSocket, connection)
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return False
    return True
