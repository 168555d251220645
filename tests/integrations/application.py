"""Runs an example application with its real server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from clients import KEY

EXAMPLES = Path(__file__).parents[2] / "examples"


class Application:
    """A server with its workers."""

    def __init__(self, port: int, process: int) -> None:
        self.port = port
        self._process = process

    def kill_a_worker(self) -> None:
        """Kills one of several workers."""
        import psutil  # Imported here, as it is missing where the wheel is tested.

        # A process that spawns workers also has a child that tracks their resources.
        children = psutil.Process(self._process).children()
        workers = [one for one in children if "resource_tracker" not in str(one.cmdline())]
        assert len(workers) > 1
        os.kill(workers[0].pid, signal.SIGKILL)


@contextmanager
def running(
    command: Sequence[str], folder: Path, service_url: str, log: list[str]
) -> Iterator[Application]:
    """Runs a server on a free port.

    Args:
        command: the arguments of ``python -m``; ``{fd}`` is the listening socket's number.
        folder: the working directory of the server.
        service_url: the service that the application asks.
        log: receives the output of the server.
    """
    environment = {
        **os.environ,
        "VECTORCACHE_API_KEY": KEY,
        "VECTORCACHE_BASE_URL": service_url,
        "DJANGO_SECRET_KEY": "of a test",
        "PYTHONPATH": str(folder),
        "PYTHONWARNINGS": "default::ResourceWarning",
    }
    with (
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listening,
        tempfile.TemporaryFile("w+") as output,
    ):
        arguments = [one.format(fd=listening.fileno()) for one in command]
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            env=environment,
            pass_fds=[listening.fileno()],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            # The test need not wait: the socket holds connections until the server accepts them.
            yield Application(listening.getsockname()[1], process.pid)
        finally:
            process.terminate()
            process.wait(30)
            output.seek(0)
            log.append(output.read())
