"""Makes the httpx transports that carry the calls: stock ones, of one connection each."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib import import_module
from typing import TypeVar

import httpx

from .._threading import ForkSafeLock, surroundings
from ..errors import ConfigurationError
from .proxies import environment_proxy

# Servers and proxies close idle connections after 5 to 75 seconds or more; when one does so just
# as we write, the request goes out again on a fresh connection.
KEEPALIVE_SECONDS = 30.0

_LIMITS = httpx.Limits(
    max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_SECONDS
)

# Seconds of silence before the first probe, and between probes, and how many may be lost.
_KEEP_ALIVE = (
    (("TCP_KEEPIDLE", "TCP_KEEPALIVE"), 45),
    (("TCP_KEEPINTVL",), 15),
    (("TCP_KEEPCNT",), 4),
)

T = TypeVar("T", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


# What a first call would load. A process that is forked while another of its threads is loading
# a module can never load that, so the client's constructor does.
_TRANSPORTS = ("httpcore", "encodings.idna", "encodings.utf_8_sig")
_ASYNC_TRANSPORTS = (
    *_TRANSPORTS,
    "anyio.lowlevel",
    "anyio.streams.tls",
    "concurrent.futures.thread",
)
_ASYNC_BACKEND = "anyio._backends._asyncio"


def load_transports() -> None:
    for module in _TRANSPORTS:
        import_module(module)


def load_async_transports() -> None:
    """Loads them, and sees to it that they do what is relied on.

    Raises:
        ConfigurationError: anyio is too old.
    """
    for module in _ASYNC_TRANSPORTS:
        import_module(module)
    # httpx takes any anyio, and with 3 a timeout comes out as a cancellation.
    if not hasattr(import_module("anyio.from_thread"), "check_cancelled"):
        raise ConfigurationError("anyio is older than 4.1: pip install --upgrade 'anyio>=4.1,<5'")
    # It has no public name: where it is called otherwise, the first call loads it.
    with contextlib.suppress(ImportError):
        import_module(_ASYNC_BACKEND)


class Network:
    """What all transports of one client share: the TLS context and the proxy."""

    def __init__(self, base_url: str) -> None:
        self._url = httpx.URL(base_url)
        self._tls: dict[tuple[int, type[object]], ssl.SSLContext] = {}
        self._lock = ForkSafeLock()

    def transport(self, kind: type[T]) -> T:
        """A new transport that will hold one connection, made when it is first used.

        Raises:
            ConfigurationError: the environment's proxy or certificates are at fault, or the
                interpreter is ending.
        """
        if sys.is_finalizing():  # What has to be imported for it no longer can be.
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
            # Where it is no URL, httpx quotes parts of it, which may be a password.
            broken = isinstance(error, httpx.InvalidURL)
            raise ConfigurationError(
                f"the proxy that the environment names for {self._url.host} cannot be used: "
                f"{'it is not a URL' if broken else str(error).rstrip('.')}; proxies start with "
                "http://, https:// or socks5:// (which needs pip install 'httpx[socks]')"
            ) from None

    def _tls_context(self, proxy: str | None) -> ssl.SSLContext:
        where = surroundings()  # After a fork, another thread's hold on it might never end.
        with self._lock:
            if where not in self._tls:
                if self._url.scheme == "https" or proxy is not None:
                    # Reading the certificates takes 25 ms and more: once a client is enough.
                    self._tls[where] = _trusting_context()
                else:
                    self._tls[where] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts none
            return self._tls[where]


def _keep_alive() -> list[tuple[int, int, int]]:
    """Socket options by which the system notices a connection that leads nowhere any more.

    An answer may take minutes, and on the way there are routers that forget silent connections.
    """
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    # macOS has another name for the first. Some systems have none of them.
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
    """A request's body in one piece.

    httpx's own is read by a generator, of which trio complains when a request is broken off.
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
    """Sends by way of something that is another's to close."""

    def __init__(self, send: Callable[[httpx.Request], httpx.Response]) -> None:
        self._send = send

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._send(request)


class AsyncBorrowedTransport(httpx.AsyncBaseTransport):
    """Sends by way of something that is another's to close."""

    def __init__(self, send: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._send = send

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._send(request)
