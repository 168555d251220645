"""How far an attempt has got, by httpcore's own account of it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any

import httpx

# What httpcore traces, in the order it happens (https://www.encode.io/httpcore/extensions/).
# Proxies have other prefixes, and send a request of their own before they start TLS.
_CONNECT = "connect_tcp.started"
_CONNECTED = ("connect_tcp.complete", "start_tls.complete")
_SEND = "send_request_headers.started"
_SENT = "send_request_body.complete"
_ANSWERED = "receive_response_headers.complete"

# The prefixes of the three events above. Other protocols have yet to be seen.
_HTTP11 = "http11"
_HTTP2 = "http2"

_PORTS = {"http": 80, "https": 443}

Trace = Callable[[str, Mapping[str, Any]], Any]


class Step(enum.Enum):
    """What of a connection has to be acted on."""

    CONNECTING = "connecting"  # in a moment
    CONNECTED = "connected"


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
        self._multiplexed = False

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
        # Over HTTP/2 it need not have been idle, and the server says up to where it has read.
        return self._traced and not self._connected and not self._multiplexed

    def took(self, network_stream: Any) -> None:
        """It has a connection, which may be yet to be made."""
        self.network_stream = network_stream
        self._step = "waiting for the answer of {host}"

    @property
    def traced(self) -> bool:
        """Whether httpcore has reported anything, as it does once a real connection is used."""
        return self._traced

    def follow(self, event: str, info: Mapping[str, Any]) -> Step | None:
        """Takes in what httpcore traces; what has just begun or ended, where that matters."""
        self._traced = True
        protocol, _, step = event.partition(".")
        if protocol in (_HTTP11, _HTTP2):
            self._follow_exchange(protocol, step, info)
        elif event.endswith(_CONNECT):
            self.proxy = self._proxy_at(info.get("host", ""), info.get("port"))
            through = f" through the proxy {self.proxy}" if self.proxy else ""
            self._step = "connecting to {host}" + through
            return Step.CONNECTING
        elif event.endswith(_CONNECTED):
            self._connected = True
            self._sent = self.answered = False
            self.network_stream = info.get("return_value")
            return Step.CONNECTED
        return None

    def _follow_exchange(self, protocol: str, step: str, info: Mapping[str, Any]) -> None:
        if step == _SEND:
            self._tunnelling = info["request"].method == b"CONNECT"
        if self._tunnelling:
            return  # The proxy's business; the service has yet to see anything.
        self._multiplexed = protocol == _HTTP2
        if step == _SEND:
            self._step = "sending the request to {host}"
        elif step == _SENT:
            self._sent = True
            self._step = "waiting for the answer of {host}"
        elif step == _ANSWERED:
            self.answered = True

    def _proxy_at(self, host: str, port: int | None) -> str:
        service = (self._url.raw_host.decode(), self.port)
        return "" if (host, port) == service else f"{host}:{port}"
