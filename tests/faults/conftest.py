from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from anyio.from_thread import BlockingPortal, start_blocking_portal
from faults.certificates import Contexts, contexts


@pytest.fixture(scope="session")
def server_loop() -> Iterator[BlockingPortal]:
    """The event loop that runs the servers."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def client_loop() -> Iterator[BlockingPortal]:
    """The event loop that runs the async clients."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority of the tests."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of the authority's own certificate, for SSL_CERT_FILE."""
    path = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def tls_context(authority: trustme.CA) -> Contexts:
    """A function that returns the TLS context of a server for a certificate."""
    return contexts(authority).__getitem__
