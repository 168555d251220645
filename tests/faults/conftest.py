from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from anyio.from_thread import BlockingPortal, start_blocking_portal
from faults.certificates import Contexts, contexts


@pytest.fixture(scope="session")
def server_loop() -> Iterator[BlockingPortal]:
    """The event loop that the servers live on."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def client_loop() -> Iterator[BlockingPortal]:
    """The event loop that the async clients live on."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Somebody who signs certificates."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's own certificate, for SSL_CERT_FILE."""
    path = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def tls_context(authority: trustme.CA) -> Contexts:
    """What a server needs to show one certificate or another."""
    return contexts(authority).__getitem__
