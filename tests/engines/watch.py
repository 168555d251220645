"""Looks at a job's processes while it asks."""

from __future__ import annotations

import contextlib

import psutil

LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


class Watch:
    """What a program, its children and theirs have been seen to do.

    Args:
        program: the program's process id.

    Attributes:
        asking: the ids of those that were connected to the service.
        exposed: who listened where other machines could reach it.
    """

    def __init__(self, program: int) -> None:
        self._program = psutil.Process(program)
        self._seen: set[psutil.Process] = set()
        self.asking: set[int] = set()
        self.exposed: set[tuple[str, str]] = set()

    def look(self, port: int) -> None:
        """Takes note of what they do now; ``port`` is the service's."""
        for process in self._processes():
            self._seen.add(process)
            with contextlib.suppress(psutil.NoSuchProcess):
                for connection in process.net_connections("inet"):
                    if connection.raddr and connection.raddr.port == port:
                        self.asking.add(process.pid)
                    if connection.status == psutil.CONN_LISTEN:
                        address = connection.laddr.ip
                        if address not in LOOPBACK:
                            self.exposed.add((process.name(), address))

    def _processes(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self._program, *self._program.children(recursive=True)]
        return []

    def kill(self) -> None:
        """Ends them."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def left_over(self, seconds: float) -> list[psutil.Process]:
        """Those that still run after so long."""
        return psutil.wait_procs(self._seen, timeout=seconds)[1]
