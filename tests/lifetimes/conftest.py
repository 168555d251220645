from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from lifetimes.echo import EchoServer


@pytest.fixture
def server() -> Iterator[EchoServer]:
    """A real server on loopback whose answers say who asked."""
    with EchoServer() as running:
        yield running


@pytest.fixture
def secure_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EchoServer]:
    """The same over TLS, trusted by this machine."""
    authority = trustme.CA()
    certificates = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(certificates)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with EchoServer(context) as running:
        yield running


@pytest.fixture(params=["plain", "TLS"])
def any_server(request: pytest.FixtureRequest) -> EchoServer:
    """Either."""
    chosen: EchoServer = request.getfixturevalue(
        "server" if request.param == "plain" else "secure_server"
    )
    return chosen
