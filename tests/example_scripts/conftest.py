from __future__ import annotations

from collections.abc import Iterator

import pytest
from local.serving import served

from vectorcache.local import app


@pytest.fixture(scope="session")
def service() -> Iterator[str]:
    """The embedded service on loopback."""
    with served(app(llm=lambda prompt, model, context: f"An answer to: {prompt}")) as url:
        yield url
