"""Makes the transports that send requests: those of httpx, with one connection each."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib import import_module
from typing import TypeVar

import httpx

from .._threading import ForkSafeLock, surroundings
from ..errors import ConfigurationError
from .private_names import load_asyncio_backend
from .proxies import environment_proxy

# Servers and proxies close idle connections after 5 to 75 seconds or more. If a server does so
# while a request is written, the request is sent again on a new connection.
KEEPALIVE_SECONDS = 30.0

_LIMITS = httpx.Limits(
    max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_SECONDS
)

# Seconds of silence before the first TCP keep-alive probe, seconds between probes, and how many
# probes may be lost.
_KEEP_ALIVE = (
    (("TCP_KEEPIDLE", "TCP_KEEPALIVE"), 45),
    (("TCP_KEEPINTVL",), 15),
    (("TCP_KEEPCNT",), 4),
)

T = TypeVar("T", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


# The modules that a first call would load. If a process is forked while another of its threads
# loads a module, the child can never load that module. So the client's constructor loads them.
_TRANSPORTS = ("httpcore", "encodings.idna", "encodings.utf_8_sig")
_ASYNC_TRANSPORTS = (
    *_TRANSPORTS,
    "anyio.lowlevel",
    "anyio.streams.tls",
    "concurrent.futures.thread",
)


def load_transports() -> None:
    """Loads the modules that sync calls need."""
    for module in _TRANSPORTS:
        import_module(module)


def load_async_transports() -> None:
    """Loads the modules that async calls need.

    Raises:
        ConfigurationError: anyio is too old.
    """
    for module in _ASYNC_TRANSPORTS:
        import_module(module)
    # httpx accepts any anyio, but with anyio 3 a timeout becomes a cancellation.
    if not hasattr(import_module("anyio.from_thread"), "check_cancelled"):
        raise ConfigurationError("anyio is older than 4.1: pip install --upgrade 'anyio>=4.1,<5'")
    load_asyncio_backend()


class Network:
    """Makes the transports of one client, which share the TLS context and the proxy."""

    def __init__(self, base_url: str) -> None:
        self._url = httpx.URL(base_url)
        self._tls: dict[tuple[int, type[object]], ssl.SSLContext] = {}
        self._lock = ForkSafeLock()

    def transport(self, kind: type[T]) -> T:
        """Returns a new transport, which opens its one connection when it is first used.

        Raises:
            ConfigurationError: the proxy or the certificates of the environment are invalid, or
                the interpreter is ending.
        """
        if sys.is_finalizing():  # The modules that this needs can no longer be imported.
            raise ConfigurationError(
                "the interpreter is shutting down, and opens no new connection: query earlier, for "
                "example in a function registered by atexit"
            )
        proxy = environment_proxy(self._url)
        try:
            return kind(
                verify=self._tls_context(proxy),
                limits=_LIMITS,
                proxy=proxy,
                socket_options=_keep_alive(),
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            # For an invalid URL, httpx quotes parts of it, which may be a password.
            broken = isinstance(error, httpx.InvalidURL)
            raise ConfigurationError(
                f"the proxy that the environment names for {self._url.host} cannot be used: "
                f"{'it is not a URL' if broken else str(error).rstrip('.')}; proxies start with "
                "http://, https:// or socks5:// (which needs pip install 'httpx[socks]')"
            ) from None

    def _tls_context(self, proxy: str | None) -> ssl.SSLContext:
        where = surroundings()  # In a forked process, a lock inside it might stay held forever.
        with self._lock:
            if where not in self._tls:
                if self._url.scheme == "https" or proxy is not None:
                    # Reading the certificates takes 25 ms and more: once for each client.
                    self._tls[where] = _trusting_context()
                else:
                    self._tls[where] = ssl.SSLContext(
                        ssl.PROTOCOL_TLS_CLIENT
                    )  # It trusts no certificate.
            return self._tls[where]


def _keep_alive() -> list[tuple[int, int, int]]:
    """Returns socket options by which the operating system notices a dead connection.

    An answer may take minutes, and routers on the way may forget a silent connection.
    """
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    # macOS has another name for the first option. Some systems do not have the options.
    for names, value in _KEEP_ALIVE:
        found = [getattr(socket, name) for name in names if hasattr(socket, name)]
        options += [(socket.IPPROTO_TCP, option, value) for option in found[:1]]
    return options


def _trusting_context() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise ConfigurationError(
            f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: {error}"
        ) from None


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a request, in one piece.

    httpx reads its own by a generator, and trio warns of the generator if a request is cancelled.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        return iter((self._content,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Once(self._content)


class _Once(AsyncIterator[bytes]):
    def __init__(self, content: bytes) -> None:
        self._left = [content]

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


class BorrowedTransport(httpx.BaseTransport):
    """Sends through a transport that its owner closes."""

    def __init__(self, send: Callable[[httpx.Request], httpx.Response]) -> None:
        self._send = send

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._send(request)


class AsyncBorrowedTransport(httpx.AsyncBaseTransport):
    """Sends through a transport that its owner closes."""

    def __init__(self, send: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._send = send

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._send(request)
