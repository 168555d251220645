"""The embedded service in this process and on a socket, with every log turned up."""

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
    """The application behind uvicorn, which logs all it can; gives its URL."""
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
