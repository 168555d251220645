"""How far a request has got, as httpcore's trace events tell."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any

import httpx

# The events of httpcore that matter here, in the order in which they come
# (https://www.encode.io/httpcore/extensions/). With a proxy, the events have other prefixes, and a
# request to the proxy itself comes before TLS starts.
_CONNECT = "connect_tcp.started"
_CONNECTED = ("connect_tcp.complete", "start_tls.complete")
_SEND = "send_request_headers.started"
_SENT = "send_request_body.complete"
_ANSWERED = "receive_response_headers.complete"

# The prefixes of the three events above: httpcore has no other protocols.
_HTTP11 = "http11"
_HTTP2 = "http2"

_PORTS = {"http": 80, "https": 443}

Trace = Callable[[str, Mapping[str, Any]], Any]


class Step(enum.Enum):
    """A step of a connection on which the sender has to act."""

    CONNECTING = "connecting"  # The connection is about to be opened.
    CONNECTED = "connected"  # The connection was opened, or TLS was started on it.


class RequestTrace:
    """Follows one request, and says how far it has got.

    Args:
        url: the URL of the service.

    Attributes:
        answered: whether the head of an answer has arrived.
        network_stream: httpcore's stream of the connection; None while it is not connected.
        proxy: host and port of the proxy; empty if none is known yet.
        reported: whether httpcore has reported anything, as it does once a real connection is used.
    """

    def __init__(self, url: httpx.URL) -> None:
        self.answered = False
        self.network_stream: Any = None
        self.proxy = ""
        self.reported = False
        self._url = url
        self._step = "waiting for a free connection"
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
        """The host that the request connects to, in words."""
        if not self.proxy:
            return self.host
        if self._connected:
            return f"{self.host} through the proxy {self.proxy}"
        return f"the proxy {self.proxy}, which should lead to {self.host}"

    @property
    def step(self) -> str:
        """What is being done with the request, in words."""
        return self._step.format(host=self.host)

    @property
    def may_have_arrived(self) -> bool:
        """Whether the service may have received the whole request."""
        # A transport that is not httpx's own may report nothing.
        return self._sent or not self.reported

    @property
    def over_idle_connection(self) -> bool:
        """Whether the request was sent over a connection that had been idle."""
        # A used HTTP/2 connection may not have been idle, and its server says which requests it
        # has not processed.
        return self.reported and not self._connected and not self._multiplexed

    def start(self, network_stream: Any) -> None:
        """Notes that the request has a connection, which may still have to be opened."""
        self.network_stream = network_stream
        self._step = "waiting for the answer of {host}"

    def follow(self, event: str, info: Mapping[str, Any]) -> Step | None:
        """Takes in one trace event of httpcore; returns the step on which the sender must act."""
        self.reported = True
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
            return  # This request went to the proxy; the service has not seen anything yet.
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
