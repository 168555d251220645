"""Ends sync attempts that outlive their time.

httpx's timeouts hold for one read each: a server that sends a byte now and then keeps a blocking
call alive for ever. Async attempts are cancelled instead and need none of this.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from ._attempt import Attempt

# How long the thread waits for more work before it ends.
_LINGER = 10.0

# How long it waits before it tries to shut a socket again.
_AGAIN = 0.05


class Watchdog:
    """One thread, started when first needed, that shuts the sockets of overdue attempts."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._attempts: set[Attempt] = set()
        self._thread: threading.Thread | None = None
        self._wakes = 0.0

    @contextlib.contextmanager
    def watch(self, attempt: Attempt) -> Iterator[None]:
        """Sees to it that what is inside does not wait on the network past ``attempt.ends``."""
        if attempt.ends is None:
            yield
            return
        with self._changed:
            self._attempts.add(attempt)
            # Not alive after a fork, where only the forking thread goes on.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="vectorcache-watchdog", daemon=True
                )
                self._wakes = attempt.ends
                self._thread.start()
            elif attempt.ends < self._wakes:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._attempts.discard(attempt)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for attempt in [a for a in self._attempts if a.ends is not None and a.ends <= now]:
                    if _shut(attempt):
                        self._attempts.discard(attempt)
                # What is still connecting has no socket that could be shut yet.
                ends = [max(a.ends, now + _AGAIN) for a in self._attempts if a.ends is not None]
                self._wakes = min(ends, default=now + _LINGER)
                self._changed.wait(self._wakes - now)
                if not self._attempts and time.monotonic() >= self._wakes:
                    self._thread = None
                    return


def _shut(attempt: Attempt) -> bool:
    """Whether there was a socket to shut; closing it stays its own thread's business."""
    if attempt.network_stream is None:
        return False
    connection = attempt.network_stream.get_extra_info("socket")
    try:
        # Not ``connection.shutdown``: an SSLSocket's own would take its TLS state away from the
        # thread that is using it.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return False
    return True
