"""``vectorcache serve``."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..errors import ConfigurationError
from .exit_codes import ExitCode, UsageError
from .output import Output

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.types import Message, Receive, Scope, Send

# Seconds that a request may go on after Ctrl-C: with no LLM, an answer takes milliseconds.
_GRACE_SECONDS = 2


def serve(
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(alias="-p")] = 8000,
    path: Path | None = None,
    guard: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    allowed_host: Annotated[list[str] | None, Parameter(negative=())] = None,
    output: Output = Output(),  # noqa: B008 - it is frozen
) -> None:
    """Run the embedded service, for any client on this machine.

    It answers POST /v1/cache/query as the hosted service does, with a cache of its own. There is
    no LLM: a miss is answered, and kept, with a text that says so. Ctrl-C ends it. With --json,
    one line of JSON says where it is.

    It takes any key of the right form, so anyone who reaches it can read what is cached. It listens
    only to this machine unless --host says otherwise.

    Args:
        host: The address to listen on.
        port: The port; 0 for any that is free.
        path: The file that keeps the cache. Without it, in memory.
        guard: Refuse hits with opposite words, other numbers or swapped words; the hosted service
            has no such check.
        allowed_host: A further name by which clients on this machine may call it, such as one
            that a reverse proxy passes on; may be repeated. Without it, localhost and loopback
            addresses. * allows every name.
    """
    if not 0 <= port < 65_536:
        raise UsageError(f"--port is {port}: ports go from 0 to 65,535")
    application = _application(path, guard, allowed_host or [])
    requests = _Requests(application)
    try:
        with _listen(host, port) as listener:
            server = _server(requests)
            with _stopped_by_signals(server):
                _announce(listener, path, output)
                _run(server, listener)
    finally:
        if not requests.abandoned:
            application.state.engine.close()
    output.note("stopped")
    if requests.abandoned:
        # Their threads may wait for a locked file, or be inside the model, where the end of the
        # interpreter is a crash. What was answered is on disk.
        sys.stdout.flush()
        os._exit(ExitCode.OK)


def _application(path: Path | None, guard: bool, allowed_hosts: list[str]) -> Starlette:
    try:
        import uvicorn  # noqa: F401 - said before anything is opened.

        from ..local import LocalCacheError, app
    except ImportError as error:
        raise ConfigurationError(
            f"the embedded service needs packages that are not installed ({error}): "
            "pip install 'vectorcache-python[cli,local]'"
        ) from error
    try:
        return app(path, lexical_guard=guard, allowed_hosts=allowed_hosts)
    except LocalCacheError as error:
        raise UsageError(f"the embedded service cannot start: {error}") from error


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address[:2], family=family, backlog=2_048)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; try another --port "
            "(0 for any that is free)"
        ) from error
    # asyncio switches Nagle's algorithm off only where the protocol is named, and create_server
    # does not name it. With Nagle's algorithm every second answer waits 40 ms.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, listener.detach())


def _announce(listener: socket.socket, path: Path | None, output: Output) -> None:
    address: str
    address, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # nosec B104
    url = f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
    if not ipaddress.ip_address(address).is_loopback:
        output.note(
            f"vectorcache: warning: other machines can reach {address}, and this service checks no "
            "keys: anyone who reaches it can read what is cached, and prompts and answers are sent "
            "unencrypted"
        )
    output.result({"url": url, "host": address, "port": port}, url)
    output.note(
        f"The cache is {'in memory' if path is None else path}. To use it, in another terminal:\n"
        f"  export VECTORCACHE_BASE_URL={url}\n"
        f"  export VECTORCACHE_API_KEY=vc_$(printf %032d 0)\n"
        '  vectorcache query "What is machine learning?"\n'
        "Ctrl-C ends it."
    )


def _server(application: _Requests) -> uvicorn.Server:
    import uvicorn

    config = uvicorn.Config(
        application,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Stops after the open requests at the first SIGINT or SIGTERM, and at once at the second."""

    def stop(number: int, frame: object) -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    handlers = {sign: signal.signal(sign, stop) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sign, handler in handlers.items():
            signal.signal(sign, handler)


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    # In the main thread uvicorn would handle signals itself, and raise them again at its end: with
    # requests still open, that prints tracebacks.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)  # Without a timeout, Windows would handle no signal.
    if not server.should_exit:
        raise RuntimeError("the server ended, and standard error says why")


class _Requests:
    """An application that answers 503 to a request that uvicorn cancels when it stops.

    Without that, uvicorn would log a traceback for each such request.

    Attributes:
        abandoned: Whether a request was cancelled: its thread goes on.
    """

    def __init__(self, application: Starlette) -> None:
        self.abandoned = False
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.responses import JSONResponse

        started = False

        async def note_and_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._application(scope, receive, note_and_send)
        except asyncio.CancelledError:
            self.abandoned = True
            if not started:
                refusal = JSONResponse({"detail": "the service stops: start it again"}, 503)
                await refusal(scope, receive, send)
