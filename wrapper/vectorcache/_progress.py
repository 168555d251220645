"""How far an attempt has got, by httpcore's own account of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

# What httpcore traces, in the order it happens (https://www.encode.io/httpcore/extensions/).
# Proxies have other prefixes, and send a request of their own before they start TLS.
_CONNECT = "connect_tcp.started"
_CONNECTED = ("connect_tcp.complete", "start_tls.complete")
_SEND = "http11.send_request_headers.started"
_SENT = "http11.send_request_body.complete"
_ANSWERED = "http11.receive_response_headers.complete"

_PORTS = {"http": 80, "https": 443}

Trace = Callable[[str, Mapping[str, Any]], Any]


class Progress:
    """What is known of a request on its way.

    Args:
        url: the service's.
    """

    def __init__(self, url: httpx.URL) -> None:
        self.answered = False
        self.network_stream: Any = None
        self.proxy = ""  # Whom it goes through, as far as is known yet.
        self._url = url
        self._step = "waiting for a free connection"
        self._traced = False
        self._connected = False
        self._sent = False
        self._tunnelling = False

    @property
    def host(self) -> str:
        return self._url.netloc.decode()

    @property
    def port(self) -> int:
        return self._url.port or _PORTS[self._url.scheme]

    @property
    def peer(self) -> str:
        """What is connected to, in words."""
        if not self.proxy:
            return self.host
        if self._connected:
            return f"{self.host} through the proxy {self.proxy}"
        return f"the proxy {self.proxy}, which should lead to {self.host}"

    @property
    def step(self) -> str:
        """What is being done, in words."""
        return self._step.format(host=self.host)

    @property
    def may_have_arrived(self) -> bool:
        """Whether the service may have seen the whole request."""
        # A transport that is not httpx's own may tell nothing of where it is.
        return self._sent or not self._traced

    @property
    def over_idle_connection(self) -> bool:
        """Whether the request went out on a connection that had been used before."""
        return self._traced and not self._connected

    def took(self, network_stream: Any) -> None:
        """It has a connection, which may be yet to be made."""
        self.network_stream = network_stream
        self._step = "waiting for the answer of {host}"

    def looks_up(self) -> None:
        """The service's name is being looked up."""
        self._traced = True
        self._step = "connecting to {host}"

    def follow(self, event: str, info: Mapping[str, Any]) -> bool:
        """Takes in what httpcore traces; whether it has just connected."""
        self._traced = True
        if event == _SEND:
            self._tunnelling = info["request"].method == b"CONNECT"
        if self._tunnelling and event in (_SEND, _SENT, _ANSWERED):
            return False  # The proxy's business; the service has yet to see anything.
        if event == _SEND:
            self._step = "sending the request to {host}"
        elif event == _SENT:
            self._sent = True
            self._step = "waiting for the answer of {host}"
        elif event == _ANSWERED:
            self.answered = True
        elif event.endswith(_CONNECT):
            self.proxy = self._proxy_at(info.get("host", ""), info.get("port"))
            through = f" through the proxy {self.proxy}" if self.proxy else ""
            self._step = "connecting to {host}" + through
        elif event.endswith(_CONNECTED):
            self._connected = True
            self._sent = self.answered = False
            self.network_stream = info.get("return_value")
            return True
        return False

    def _proxy_at(self, host: str, port: int | None) -> str:
        service = (self._url.raw_host.decode(), self.port)
        return "" if (host, port) == service else f"{host}:{port}"
