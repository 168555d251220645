"""TLS, proxies and names: what lies between the client and the service."""

from __future__ import annotations

import socket
import socketserver
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from clients import KEY, AnyClient, MakeClient
from servers import ScriptedServer, answer, drip
from transport.socks import SOCKSProxy, pump, running

from vectorcache import APIConnectionError, APITimeoutError, ConfigurationError


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Returns an authority that signs certificates."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this machine trust the authority, as administrators do."""
    certificates = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(certificates)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))


def tls_server(authority: trustme.CA, name: str) -> ScriptedServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return ScriptedServer(context)


@pytest.fixture
def secure_server(authority: trustme.CA) -> Iterator[ScriptedServer]:
    """A server with a certificate for localhost."""
    with tls_server(authority, "localhost") as server:
        yield server


@pytest.mark.usefixtures("trusted")
def test_https(make_client: MakeClient, secure_server: ScriptedServer) -> None:
    """A service over TLS is answered, over one connection for many queries."""
    client = make_client(base_url=secure_server.url)
    for _ in range(3):
        assert client.query("Q", "m").cache_hit
    assert (secure_server.connections, len(secure_server.requests)) == (1, 3)


@pytest.mark.usefixtures("trusted")
def test_retries_and_deadlines_over_tls(
    make_client: MakeClient, secure_server: ScriptedServer
) -> None:
    """TLS changes nothing about retries."""
    secure_server.script = [answer(status=500), answer(status=503)]
    assert make_client(base_url=secure_server.url).query("Q", "m").meta.attempts == 3


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "used connection"])
def test_deadlines_over_tls(
    make_client: MakeClient, secure_server: ScriptedServer, warm: bool
) -> None:
    """A server that drips its answer over TLS is cut off at the deadline."""
    over = threading.Event()

    client = make_client(base_url=secure_server.url)
    if warm:
        client.query("Q", "m")
    secure_server.default = drip(over)
    started = time.monotonic()
    with pytest.raises(APITimeoutError):
        client.query("Q", "m", deadline=0.4)
    assert time.monotonic() - started < 0.7
    over.set()


class TunnelHandler(socketserver.BaseRequestHandler):
    """A proxy for https: connects two sockets, and sees no more than where to."""

    def handle(self) -> None:
        head = self.request.recv(65_536)
        self.server.asked.append(head)  # type: ignore[attr-defined]  # pyright: ignore - Tunnel's
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port)) as onward:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(onward, self.request))
            back.start()
            pump(self.request, onward)
            back.join()


class Tunnel(socketserver.ThreadingTCPServer):
    """Runs the proxy, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), TunnelHandler)
        self.asked: list[bytes] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


def test_keep_alive(
    make_client: MakeClient, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system probes connections that are silent for long, and so notices dead ones."""
    opened = []
    set_option = socket.socket.setsockopt

    def note(itself: socket.socket, *option: Any) -> None:
        set_option(itself, *option)
        opened.append((itself, option[:2]))

    monkeypatch.setattr(socket.socket, "setsockopt", note)
    make_client().query("Q", "m")
    found = {option: itself.getsockopt(*option) for itself, option in opened}
    assert found[socket.SOL_SOCKET, socket.SO_KEEPALIVE] == 1
    if hasattr(socket, "TCP_KEEPIDLE"):
        assert found[socket.IPPROTO_TCP, socket.TCP_KEEPIDLE] == 45
    assert found[socket.IPPROTO_TCP, socket.TCP_KEEPINTVL] == 15
    assert found[socket.IPPROTO_TCP, socket.TCP_KEEPCNT] == 4


class TestProxies:
    """Proxies from the environment."""

    @pytest.fixture
    def via_proxy(self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
        """The server, as the machine's proxy for http."""
        monkeypatch.setenv("HTTP_PROXY", server.url)
        return server

    def test_a_proxy_is_used(self, make_client: MakeClient, via_proxy: ScriptedServer) -> None:
        """HTTP_PROXY sends the queries to the proxy."""
        client = make_client(base_url="http://far.localhost")
        assert client.query("Q", "m").cache_hit
        assert via_proxy.requests[0].line == "POST http://far.localhost/v1/cache/query HTTP/1.1"

    @pytest.mark.parametrize("hosts", ["127.0.0.1", "cache.example, 127.0.0.0/8"])
    def test_no_proxy_is_respected(
        self,
        make_client: MakeClient,
        via_proxy: ScriptedServer,
        hosts: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """NO_PROXY names the hosts that are asked without it: psf/requests#6313."""
        monkeypatch.setenv("NO_PROXY", hosts)
        make_client().query("Q", "m")
        assert via_proxy.requests[0].line == "POST /v1/cache/query HTTP/1.1"

    @pytest.mark.usefixtures("trusted")
    def test_tls_through_a_proxy(
        self,
        make_client: MakeClient,
        secure_server: ScriptedServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A https:// service is reached through HTTPS_PROXY unseen, deadline and all."""
        over = threading.Event()

        with Tunnel() as tunnel, running(tunnel):
            monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
            client = make_client(base_url=secure_server.url)
            assert client.query("Q", "m").cache_hit
            secure_server.default = drip(over)
            started = time.monotonic()
            with pytest.raises(APITimeoutError, match="waiting for the answer"):
                client.query("Q", "m", deadline=0.4)
            assert time.monotonic() - started < 0.7
            over.set()
            client.close()
        assert tunnel.asked[0].startswith(b"CONNECT localhost:")
        assert KEY.encode() not in b"".join(tunnel.asked)

    def test_a_proxy_that_refuses(
        self, make_client: MakeClient, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An error names a proxy that refuses to connect, which is asked only once."""
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        server.default = answer(status=407, raw=b"")
        with pytest.raises(APIConnectionError, match="the proxy did not connect") as caught:
            make_client(base_url="https://far.example").query("Q", "m")
        assert caught.value.attempts == 1
        assert KEY not in str(server.requests[0].headers)

    @pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
    def test_a_socks_proxy(
        self,
        make_client: MakeClient,
        server: ScriptedServer,
        scheme: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """ALL_PROXY may name a SOCKS proxy, also as GNOME spells it: acheong08/EdgeGPT#165.

        The proxy looks the service's name up.
        """
        with SOCKSProxy() as proxy, running(proxy):
            monkeypatch.setenv("ALL_PROXY", f"{scheme}://{proxy.address}/")
            client = make_client(base_url=f"http://far.localhost:{server.port}")
            assert client.query("Q", "m").cache_hit
            client.close()
        assert proxy.asked == [f"far.localhost:{server.port}"]
        assert server.requests[0].line == "POST /v1/cache/query HTTP/1.1"

    def test_socks_without_its_package(
        self, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where the package for SOCKS is missing, the message names what to install."""
        monkeypatch.setitem(sys.modules, "socksio", None)
        monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:9")
        with pytest.raises(ConfigurationError, match=r"pip install 'httpx\[socks\]'"):
            make_client(base_url="http://far.localhost").query("Q", "m")

    @pytest.mark.parametrize(
        ("proxy", "says"),
        [
            ("gopher://user:secret@proxy", "socks5://"),
            ("http://user:secret@[::1", "it is not a URL"),
            ("http://proxy:secret", "it is not a URL"),
        ],
    )
    def test_a_proxy_that_cannot_be_used(
        self, make_client: MakeClient, proxy: str, says: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A proxy variable that makes no sense is a configuration error, without its password."""
        monkeypatch.setenv("HTTP_PROXY", proxy)
        with pytest.raises(ConfigurationError, match="proxy") as caught:
            make_client(base_url="http://far.localhost").query("Q", "m")
        assert says in str(caught.value)
        assert "secret" not in str(caught.value)


def test_netrc_is_not_read(
    client: AnyClient, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A .netrc for the service's host does not replace the key."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a-user password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client.query("Q", "m")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_name_without_an_address(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that answers with an empty list is a connection that could not be made."""
    real = socket.getaddrinfo

    def find(host: Any, *arguments: Any, **options: Any) -> Any:
        far = host in ("far.localhost", b"far.localhost")
        return [] if far else real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", find)
    with pytest.raises(APIConnectionError) as caught:
        make_client(base_url="http://far.localhost").query("Q", "m")
    assert "could not connect to far.localhost: the name has no address" in str(caught.value)
    assert caught.value.attempts == 3
