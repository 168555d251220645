"""Ctrl-C, or what a signal handler raises, in a blocking call: it comes out, at once.

The client stays usable. Celery's SoftTimeLimitExceeded was the report: openai-python#2737.
"""

from __future__ import annotations

import dis
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import CodeType, FrameType
from typing import Any

import pytest
from clients import KEY
from lifetimes.echo import EchoServer
from servers import Step, answer, hang_up

from vectorcache import RetryPolicy, VectorcacheClient

# Python looks for signals when a function begins, after a call, and at the end of a loop's round.
LOOKS = ("RESUME", "CALL", "JUMP_BACKWARD")

# Where an interrupt could find the client's own state half changed.
FILES = tuple(
    os.path.join("_transport", f"{name}.py")
    for name in ("connections", "queue", "watchdog", "transports", "sender")
)
HTTPCORE = tuple(
    os.path.join("httpcore", *path)
    for path in (
        ("_exceptions.py",),
        ("_trace.py",),
        ("_backends", "sync.py"),
        ("_sync", "connection.py"),
        ("_sync", "connection_pool.py"),
        ("_sync", "http11.py"),
    )
)
COALESCING = (os.path.join("_call", "coalescing.py"), "_sync_client.py")


@cache
def instructions(code: CodeType) -> dict[int, str]:
    return {one.offset: one.opname for one in dis.get_instructions(code)}


class SoftTimeLimitExceeded(Exception):
    """What celery's signal handler raises."""


class Late(TimeoutError):
    """What a signal handler may raise that is also an OSError, as a socket's are."""


class Interrupter:
    """Raises an exception where Python looks for signals for the n-th time.

    Args:
        point: the n.
        files: the ends of the names of the files that count, beside contextlib's.
        error: the exception.
    """

    def __init__(self, point: int, files: tuple[str, ...], error: BaseException) -> None:
        self.raised = False
        self._error = error
        self._files = (*files, "contextlib.py")
        self._left = point
        self._last: dict[FrameType, str] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.endswith(self._files):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            before = self._last.get(frame, "")
            self._last[frame] = instructions(frame.f_code)[frame.f_lasti]
            if before.startswith(LOOKS):
                self._left -= 1
                if self._left == 0:
                    self.raised = True
                    self._last.clear()  # Frames that live on keep what they hold.
                    raise self._error
        elif event == "return":
            self._last.pop(frame, None)
        return self


def interrupted(
    call: Callable[[], object],
    point: int,
    files: tuple[str, ...] = FILES,
    kind: type[BaseException] = KeyboardInterrupt,
) -> bool:
    """Whether the point was reached; then that very exception must have come out."""
    error = kind("in the middle")
    interrupter = Interrupter(point, files, error)
    before = sys.gettrace()
    gc.disable()  # A collection would run code that is not the call's.
    sys._getframe().f_trace_opcodes = True  # Python 3.12 heeds what was set before settrace.
    sys.settrace(interrupter)
    try:
        call()
    except BaseException as caught:
        assert caught is error, point
        assert interrupter.raised
    else:
        assert not interrupter.raised
    finally:
        sys.settrace(before)
        gc.enable()
    return interrupter.raised


STATES: dict[str, tuple[bool, list[Step]]] = {
    "cold": (False, []),
    "warm": (True, []),
    "retried": (True, [answer(status=500)]),
    "connected anew": (True, [hang_up]),
}


@pytest.mark.filterwarnings("ignore:unclosed.*socket:ResourceWarning")
@pytest.mark.parametrize(
    ("state", "kind", "files", "stride"),
    [
        *((state, KeyboardInterrupt, FILES, 1) for state in STATES),
        ("cold", SoftTimeLimitExceeded, FILES, 2),
        ("warm", Late, FILES, 1),
        ("cold", TimeoutError, FILES, 2),
        ("cold", OSError, HTTPCORE, 7),
        ("warm", Late, HTTPCORE, 3),
        ("warm", SoftTimeLimitExceeded, HTTPCORE, 5),
    ],
)
def test_a_query_interrupted_anywhere(
    server: EchoServer, state: str, kind: type[BaseException], files: tuple[str, ...], stride: int
) -> None:
    """Wherever Ctrl-C or another exception comes, it comes out, and no connection is lost to it."""
    # In a thread of its own: on some versions of Python, what a trace function raises in a
    # generator stays the thread's current exception for good.
    with ThreadPoolExecutor(1) as thread:
        warm, script = STATES[state]
        thread.submit(interrupt_anywhere, server, warm, script, kind, files, stride).result()
    gc.collect()
    assert server.wait_until_idle(10)


def interrupt_anywhere(
    server: EchoServer,
    warm: bool,
    script: list[Step],
    kind: type[BaseException],
    files: tuple[str, ...],
    stride: int,
) -> None:
    policy = RetryPolicy.without_waiting()
    point, reached = 1 - stride, True
    while reached:
        point += stride
        with VectorcacheClient(KEY, server.url, max_connections=1, retry=policy) as client:
            if warm:
                assert client.query("before", "m", deadline=10).response == "before"
            server.script = list(script)
            reached = interrupted(lambda: client.query("Q", "m"), point, files, kind)
            server.script = []
            assert client.query("after", "m", deadline=10).response == "after", point
    assert point > 50


def test_a_coalesced_query_interrupted_anywhere(server: EchoServer) -> None:
    """Wherever Ctrl-C comes, an equal query afterwards does not wait for the one that it ended."""

    def interrupt_anywhere() -> None:
        point, reached = 0, True
        with VectorcacheClient(KEY, server.url, coalesce=True) as client:
            while reached:
                point += 1
                reached = interrupted(lambda: client.query("Q", "m"), point, COALESCING)
                assert client.query("Q", "m", deadline=10).meta.attempts == 1, point
        assert point > 20

    with ThreadPoolExecutor(1) as thread:
        thread.submit(interrupt_anywhere).result()
    gc.collect()


def press_ctrl_c() -> None:
    """The signal reaches the main thread in whatever it does, as a terminal's would."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


def test_interrupted_while_it_waits_for_the_answer(server: EchoServer) -> None:
    """Ctrl-C ends a call whose request the server has got, and does not answer."""
    over = threading.Event()

    def interrupt(_: socket.socket) -> None:
        press_ctrl_c()
        over.wait(10)

    with VectorcacheClient(KEY, server.url, max_connections=1) as client:
        for _ in range(5):
            server.script = [interrupt]
            with pytest.raises(KeyboardInterrupt):
                client.query("Q", "m")
            assert client.query("after", "m", deadline=10).response == "after"
        over.set()


def test_interrupted_in_the_queue(server: EchoServer) -> None:
    """Ctrl-C ends one wait for a connection; the call that has it, and the next one, go on."""
    asked, over = threading.Event(), threading.Event()

    def hold(connection: socket.socket) -> None:
        asked.set()
        over.wait(10)
        connection.sendall(answer())

    server.script = [hold]
    with VectorcacheClient(KEY, server.url, max_connections=1) as client:
        with ThreadPoolExecutor(2) as threads:
            holds = threads.submit(client.query, "holds it", "m")
            assert asked.wait(10)
            interrupt = threading.Timer(0.1, press_ctrl_c)
            interrupt.start()
            with pytest.raises(KeyboardInterrupt):
                client.query("waits", "m")
            is_next = threads.submit(client.query, "is next", "m")
            over.set()
            assert holds.result(10).cache_hit
            assert is_next.result(10).response == "is next"
        assert client.query("after", "m", deadline=10).response == "after"


class CtrlC(logging.Handler):
    """Comes when the client says that it is about to wait."""

    def emit(self, record: logging.LogRecord) -> None:
        if "next attempt in" in record.getMessage():
            threading.Timer(0.1, press_ctrl_c).start()


def test_interrupted_between_attempts(server: EchoServer) -> None:
    """Ctrl-C ends the wait for the next attempt, however long that would have been."""
    logger, handler = logging.getLogger("vectorcache"), CtrlC()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        server.script = [answer(status=503, headers={"Retry-After": "30"})]
        with VectorcacheClient(KEY, server.url, max_connections=1) as client:
            started = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                client.query("Q", "m")
            assert time.monotonic() - started < 10
            assert client.query("after", "m", deadline=10).response == "after"
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
