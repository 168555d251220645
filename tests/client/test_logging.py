"""The records of the logger ``vectorcache``."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
from clients import KEY, AnyClient
from servers import ScriptedServer, answer

from vectorcache import ConfigurationError, VectorcacheClient, VectorcacheError


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    """The logger, which is restored after the test."""
    ours = logging.getLogger("vectorcache")
    level, handlers = ours.level, list(ours.handlers)
    yield ours
    ours.level, ours.handlers = level, handlers


def test_one_line_a_call(
    client: AnyClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """At INFO each call has one line: the path, the outcome, the time and the request id."""
    caplog.set_level(logging.INFO, "vectorcache")
    server.script = [answer(status=500), answer(headers={"X-Request-Id": "8f2c"})]
    client.query("Q", "m")
    server.script = [answer({"detail": "no"}, status=401)]
    with pytest.raises(VectorcacheError):
        client.query("Q", "m")
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("POST /v1/cache/query: 200 hit in ")
    assert first.endswith("(attempts 2, request 8f2c)")
    assert second.startswith("POST /v1/cache/query: 401 in ")


def test_a_line_for_every_attempt_at_debug(
    client: AnyClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG every attempt has its line, with the wait that follows it."""
    caplog.set_level(logging.DEBUG, "vectorcache")
    server.script = [answer(status=500), answer(status=502)]
    client.query("Q", "m")
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.DEBUG]
    assert [line.partition("attempt ")[2][:8] for line in said] == [
        "1 failed",
        "in 0.000",
        "2 failed",
        "in 0.000",
        "3 answer",
    ]


def test_silent_until_asked(logger: logging.Logger) -> None:
    """Nothing is printed unless the program or VECTORCACHE_LOG asks for it."""
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]
    assert logger.level == logging.NOTSET


@pytest.mark.parametrize(("level", "lines"), [("debug", 2), ("INFO", 1), ("error", 0), ("", 0)])
def test_the_environment_turns_it_on(server: ScriptedServer, level: str, lines: int) -> None:
    """VECTORCACHE_LOG=debug prints to standard error where a program configures no logging."""
    program = (
        "from vectorcache import VectorcacheClient\n"
        f"with VectorcacheClient({KEY!r}, {server.url!r}) as a:\n"
        "    with a.with_options(timeout=5) as client:\n"
        "        client.query('Q', 'm')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"VECTORCACHE_LOG": level},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.count("POST /v1/cache/query") == lines
    assert KEY not in done.stderr


def test_a_program_that_logs_keeps_its_handlers(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VECTORCACHE_LOG sets only the level if the program has configured logging."""
    monkeypatch.setenv("VECTORCACHE_LOG", "info")
    VectorcacheClient(KEY)
    assert logger.level == logging.INFO
    # pytest captures logs, and so counts as a program that has configured logging.
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]


def test_an_unknown_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown level raises an error that names it and the known levels."""
    monkeypatch.setenv("VECTORCACHE_LOG", "loud")
    with pytest.raises(ConfigurationError, match=r"VECTORCACHE_LOG .* use debug, info"):
        VectorcacheClient(KEY)
