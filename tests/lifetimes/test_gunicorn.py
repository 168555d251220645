"""A real gunicorn that forks its workers off a process that has used the client already."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from clients import KEY
from lifetimes.echo import EchoServer


class Application:
    """The application, as those see it who ask it over HTTP."""

    def __init__(self, port: int, master: int) -> None:
        self.master = master
        self._port = port

    def ask(self, prompt: str) -> tuple[int, str]:
        """The process that answered, and its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", f"/?{prompt}")
            response = connection.getresponse()
            assert response.status == 200
            process, _, answer = response.read().decode().partition(" ")
            return int(process), answer
        finally:
            connection.close()


@contextmanager
def running(server: EchoServer, *options: str) -> Iterator[Application]:
    environment = {
        **os.environ,
        "VECTORCACHE_API_KEY": KEY,
        "VECTORCACHE_BASE_URL": server.url,
        "PYTHONPATH": os.pathsep.join(p for p in (_TESTS, os.environ.get("PYTHONPATH")) if p),
    }
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listening:
        command = [
            *(sys.executable, "-m", "gunicorn", "--preload", "--no-control-socket"),
            *("--bind", f"fd://{listening.fileno()}", "--graceful-timeout", "2", *options),
            "lifetimes.preloaded:application",
        ]
        master = subprocess.Popen(
            command,
            env=environment,
            pass_fds=[listening.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield Application(listening.getsockname()[1], master.pid)
        finally:
            master.terminate()
            _, said = master.communicate(timeout=20)
        assert master.returncode == 0, said
        assert "Traceback" not in said, said


_TESTS = str(Path(__file__).parents[1])


@pytest.mark.parametrize(
    "options",
    [("--workers", "3"), ("--workers", "2", "--worker-class", "gthread", "--threads", "10")],
    ids=["sync", "gthread"],
)
def test_preloaded_workers(server: EchoServer, options: tuple[str, ...]) -> None:
    """Several hundred requests at once get their own answers, also when a worker is killed."""
    with running(server, *options) as application, ThreadPoolExecutor(30) as threads:
        prompts = [f"Q{number}" for number in range(200)]
        answers = list(threads.map(application.ask, prompts))
        assert [answer for _, answer in answers] == prompts
        workers = {process for process, _ in answers}
        assert application.master not in workers
        assert len(workers) > 1

        waiting = [threads.submit(application.ask, prompt) for prompt in prompts]
        os.kill(min(workers), signal.SIGKILL)
        for prompt, one in zip(prompts, waiting, strict=True):
            # The requests of the killed worker are lost.
            with suppress(OSError, http.client.HTTPException):
                assert one.result(30)[1] == prompt
        answers = list(threads.map(application.ask, prompts))
        assert [answer for _, answer in answers] == prompts
