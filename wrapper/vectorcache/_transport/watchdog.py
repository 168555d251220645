"""Ends sync attempts that outlive their time.

httpx's timeouts hold for one read each: a server that sends a byte now and then keeps a blocking
call alive for ever. Async attempts are cancelled instead and need none of this.
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

# How long the thread waits for more work before it ends.
_LINGER = 10.0

# How long it waits before it tries to shut a socket again.
_AGAIN = 0.05


class Watchdog:
    """One thread, started when first needed, that shuts the sockets of overdue attempts."""

    def __init__(self) -> None:
        self._attempts: set[Attempt] = set()
        self._thread: threading.Thread | None = None
        self._ending: threading.Thread | None = None
        self._wakes = 0.0
        self._stopped = False
        # Not a Condition: Ctrl-C inside one may leave it locked.
        self._lock = threading.Lock()
        self._earlier: queue.SimpleQueue[None] = queue.SimpleQueue()

    def watch(self, attempt: Attempt) -> None:
        """Sees to it that ``attempt`` does not wait on the network past ``attempt.time.ends``."""
        if _no_more_threads():
            return
        with self._lock:
            self._attempts.add(attempt)
            self._wake_by(attempt.time.ends)

    def hurry(self, attempt: Attempt) -> None:
        """Looks at once at an attempt that is still watched, as its ``ends`` has changed."""
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
            except RuntimeError as error:  # Then the timeouts have to do.
                if is_of_interruption(error):
                    raise
        elif moment < self._wakes:
            self._earlier.put(None)

    def forget(self, attempt: Attempt) -> None:
        """Lets go of an attempt, whose socket may be another's from now on."""
        if _no_more_threads():
            return
        with self._lock:
            self._attempts.discard(attempt)

    def stop(self, *, wait: bool) -> None:
        """Ends the thread as soon as there is nothing to watch.

        Args:
            wait: whether to wait until it has ended, where that takes but a moment.
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
        """Shuts what is overdue; False if there has been nothing to do for a while."""
        with self._lock:
            now = time.monotonic()
            for attempt in [
                a for a in self._attempts if a.time.ends is not None and a.time.ends <= now
            ]:
                if _shut(attempt):
                    self._attempts.discard(attempt)
            # What is still connecting has no socket that could be shut yet.
            ends = [
                max(a.time.ends, now + _AGAIN) for a in self._attempts if a.time.ends is not None
            ]
            if not ends and (self._stopped or now >= self._wakes):
                self._thread, self._ending = None, self._thread
                return False
            self._wakes = min(ends, default=now + _LINGER)
            return True


def _no_more_threads() -> bool:
    """Whether the interpreter is ending: then the timeouts have to do.

    The thread has stopped wherever it was, perhaps with the lock.
    """
    return sys.is_finalizing()


def _shut(attempt: Attempt) -> bool:
    """Whether there was a socket to shut; closing it stays its own thread's business."""
    if attempt.trace.network_stream is None:
        return False
    connection = attempt.trace.network_stream.get_extra_info("socket")
    if isinstance(connection, ssl.SSLSocket):
        # Its own would take its TLS state away from the thread that is using it.
        connection = super(ssl.SSLSocket, connection)
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return False
    return True
