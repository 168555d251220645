"""The application on a real socket."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from listening import listening_socket
from starlette.applications import Starlette


@contextmanager
def served(application: Starlette) -> Iterator[str]:
    """The application on a free port of this machine; yields its base URL."""
    with listening_socket() as listening:
        config = uvicorn.Config(application, log_level="warning", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
