"""Runs the code blocks of the README and the docs, in order, with one namespace for each page."""

from __future__ import annotations

import doctest
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
import uvicorn
from guide.hosted import HOST, hosted
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

PAGES = ["README.md", "docs/*.md"]

# The libraries of this page have an environment of their own, where scripts/test-llm runs it.
OTHERS = ["docs/llm-libraries.md"]


@pytest.fixture(scope="session")
def documented_service() -> Iterator[str]:
    """Starts the embedded service on loopback, which stands in for the hosted one."""
    from vectorcache.local import app

    server = uvicorn.Server(
        uvicorn.Config(
            app(
                llm=lambda prompt, model, context: f"An answer to: {prompt}",
                allowed_hosts=[HOST],
            ),
            port=0,
            log_level="error",
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def hosted_address(
    documented_service: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Variables by which requests to the address of the hosted service reach the embedded one."""
    authority = trustme.CA()
    certificate = tmp_path_factory.mktemp("authority") / "certificate.pem"
    authority.cert_pem.write_to_path(str(certificate))
    service = urlsplit(documented_service)
    assert service.hostname is not None
    assert service.port is not None
    with hosted((service.hostname, service.port), authority) as proxy:
        yield {
            "HTTPS_PROXY": proxy,
            "REQUESTS_CA_BUNDLE": str(certificate),
            "SSL_CERT_FILE": str(certificate),
        }


@pytest.fixture
def environment(
    documented_service: str,
    hosted_address: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sets up what a reader has: a key in the environment, and an empty folder."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", "vc_" + 32 * "0")
    monkeypatch.setenv("VECTORCACHE_BASE_URL", documented_service)
    for name, value in hosted_address.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE),
        SkipParser(),
    ],
    patterns=PAGES,
    excludes=OTHERS,
    fixtures=["environment"],
).pytest()
