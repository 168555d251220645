"""``vectorcache serve``."""

from __future__ import annotations

import ipaddress
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..errors import ConfigurationError
from .exit_codes import UsageError
from .output import Output

if TYPE_CHECKING:
    from starlette.applications import Starlette


def serve(
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(alias="-p")] = 8000,
    path: Path | None = None,
    guard: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    output: Output = Output(),  # noqa: B008 - it is frozen
) -> None:
    """Run the embedded service, for any client on this machine.

    It answers POST /v1/cache/query as the hosted service does, with a cache of its own. There is
    no LLM: a miss is answered, and kept, with a text that says so. Ctrl-C ends it. With --json,
    one line of JSON says where it is.

    It takes any key of the right form, so whoever reaches it may read what is cached: it listens
    to this machine alone unless --host says otherwise.

    Args:
        host: The address to listen on.
        port: The port; 0 for any that is free.
        path: The file that keeps the cache. Without it, in memory.
        guard: Refuse hits with opposite words, other numbers or swapped words; the hosted service
            has no such check.
    """
    if not 0 <= port < 65_536:
        raise UsageError(f"--port is {port}: ports go from 0 to 65,535")
    application = _application(path, guard)
    try:
        with _listen(host, port) as listener:
            _announce(listener, path, output)
            _run(application, listener)
    finally:
        application.state.engine.close()
    output.note("stopped")


def _application(path: Path | None, guard: bool) -> Starlette:
    try:
        import uvicorn  # noqa: F401 - said before anything is opened.

        from ..local import LocalCacheError, app
    except ImportError as error:
        raise ConfigurationError(
            f"the embedded service needs packages that are not installed ({error}): "
            "pip install 'vectorcache-python[cli,local]'"
        ) from error
    try:
        return app(path, lexical_guard=guard)
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
            f"vectorcache: warning: {address} is reached by other machines, too, and this service "
            "checks no keys: whoever reaches it can read what is cached, and prompts and answers "
            "are sent unencrypted"
        )
    output.result({"url": url, "host": address, "port": port}, url)
    output.note(
        f"The cache is {'in memory' if path is None else path}. To use it, in another terminal:\n"
        f"  export VECTORCACHE_BASE_URL={url}\n"
        f"  export VECTORCACHE_API_KEY=vc_$(printf %032d 0)\n"
        '  vectorcache query "What is machine learning?"\n'
        "Ctrl-C ends it."
    )


def _run(application: Starlette, listener: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    # Having ended well, uvicorn hands the signal on to whoever was there before.
    handlers = {sign: signal.signal(sign, _leave) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        for sign, handler in handlers.items():
            signal.signal(sign, handler)


def _leave(number: int, frame: object) -> None:
    raise KeyboardInterrupt
