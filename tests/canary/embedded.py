"""The embedded service in this process and on a socket, with all logs at their lowest level."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from listening import listening_socket

from vectorcache.local import app


@contextmanager
def logging_all(**options: Any) -> Iterator[str]:
    """Runs the application in uvicorn, which logs all it can; yields its URL."""
    with listening_socket() as listening:
        config = uvicorn.Config(
            app(**options), log_level="trace", log_config=None, access_log=True, ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
