"""Makes the httpx transports that carry the calls: stock ones, of one connection each."""

from __future__ import annotations

import ssl
import threading
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import httpx

from .errors import ConfigurationError

# Servers and proxies close idle connections after 5 to 75 seconds or more; when one does so just
# as we write, the request goes out again on a fresh connection.
KEEPALIVE_SECONDS = 30.0

_LIMITS = httpx.Limits(
    max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_SECONDS
)

T = TypeVar("T", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


class Network:
    """What all transports of one client share: the TLS context and the proxy."""

    def __init__(self, base_url: str) -> None:
        self._url = httpx.URL(base_url)
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    def transport(self, kind: type[T]) -> T:
        """A new transport that will hold one connection, made when it is first used."""
        proxy = _environment_proxy(self._url)
        try:
            return kind(verify=self._tls_context(proxy), limits=_LIMITS, proxy=proxy)
        except (ImportError, ValueError) as error:
            raise ConfigurationError(
                f"the proxy that the environment names for {self._url.host} cannot be used: {error}"
            ) from None

    def _tls_context(self, proxy: str | None) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                if self._url.scheme == "https" or proxy is not None:
                    # Reading the certificates takes 25 ms and more: once a client is enough.
                    self._tls = httpx.create_ssl_context()
                else:
                    self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
            return self._tls


def _environment_proxy(url: httpx.URL) -> str | None:
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(url.netloc.decode()):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


# ``auth=None``: neither .netrc nor the client's own credentials may replace the key.
SEND_AS_IT_IS: Final[dict[str, Any]] = {"stream": True, "auth": None, "follow_redirects": False}


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
