"""The thread that ends sync attempts which outlive their time, on real sockets."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from call.attempts import make_attempt
from clients import MakeClient

from vectorcache._call.attempt import Attempt
from vectorcache._transport import watchdog as watchdog_module
from vectorcache._transport.watchdog import Watchdog


class Connection:
    """A connection as httpcore has it, and the peer's end of it."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.theirs.settimeout(3)
        self.wrapped: Any = self.ours

    def get_extra_info(self, name: str) -> Any:
        return self.wrapped if name == "socket" else None

    def was_shut(self) -> bool:
        """Waits for the end of the connection."""
        return self.theirs.recv(1) == b""

    def is_open(self) -> bool:
        self.ours.sendall(b"x")
        return self.theirs.recv(1) == b"x"

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def connections() -> Iterator[list[Connection]]:
    made = [Connection() for _ in range(2)]
    yield made
    for connection in made:
        connection.close()


@pytest.fixture
def watchdog(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watchdog]:
    """A watchdog whose thread does not die of an error."""
    errors: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    watchdog = Watchdog()
    yield watchdog
    watchdog.stop(wait=True)
    assert errors == []


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "vectorcache-watchdog"]


def attempt_on(connection: Connection | None, seconds: float | None) -> Attempt:
    attempt = make_attempt(time.monotonic, timeout=seconds)
    attempt.begin(connection)
    return attempt


def test_what_is_overdue_is_shut(watchdog: Watchdog, connections: list[Connection]) -> None:
    """The connection ends with the attempt's time, and no other one does."""
    overdue, patient = connections
    watchdog.watch(attempt_on(patient, 60))
    watchdog.watch(attempt_on(overdue, 0.05))
    assert overdue.was_shut()
    assert patient.is_open()


def test_the_next_one_is_watched_as_well(watchdog: Watchdog, connections: list[Connection]) -> None:
    """Having shut one connection, it goes on to the next."""
    first, second = connections
    watchdog.watch(attempt_on(first, 0.02))
    watchdog.watch(attempt_on(second, 0.1))
    assert first.was_shut()
    assert second.was_shut()


def test_what_has_ended_is_forgotten(watchdog: Watchdog, connections: list[Connection]) -> None:
    """A connection that went back to the others is not shut for its last attempt."""
    returned, overdue = connections
    attempt = attempt_on(returned, 0.02)
    watchdog.watch(attempt)
    watchdog.forget(attempt)
    watchdog.forget(attempt)
    watchdog.watch(attempt_on(overdue, 0.1))
    assert overdue.was_shut()
    assert returned.is_open()


def test_a_connection_that_is_still_made(watchdog: Watchdog, connections: list[Connection]) -> None:
    """What has no socket yet when time is up is shut as soon as it has one."""
    late, overdue = connections
    attempt = attempt_on(None, 0.02)
    watchdog.watch(attempt)
    watchdog.watch(attempt_on(overdue, 0.05))
    assert overdue.was_shut()
    attempt.trace.network_stream = late
    assert late.was_shut()


def test_a_connection_that_is_gone(watchdog: Watchdog, connections: list[Connection]) -> None:
    """A socket that is closed at the same moment does not disturb the others."""
    gone, overdue = connections
    gone.ours.close()
    watchdog.watch(attempt_on(gone, 0.02))
    watchdog.watch(attempt_on(overdue, 0.1))
    assert overdue.was_shut()


def test_no_thread_without_a_limit(watchdog: Watchdog) -> None:
    """An attempt without a limit of time is not watched."""
    before = threads()
    watchdog.watch(attempt_on(None, None))
    assert threads() == before


def test_one_thread_that_ends_when_told(watchdog: Watchdog, connections: list[Connection]) -> None:
    """Any number of attempts is one daemon thread; after ``stop`` it ends with the last of them."""
    before = set(threads())
    attempts = [attempt_on(connection, 60) for connection in connections]
    for attempt in attempts:
        watchdog.watch(attempt)
    (thread,) = set(threads()) - before
    assert thread.daemon
    watchdog.forget(attempts[0])
    watchdog.stop(wait=True)
    assert thread.is_alive()  # Nothing waits for what another attempt still needs.
    watchdog.forget(attempts[1])
    watchdog.stop(wait=True)
    assert not thread.is_alive()
    last = attempt_on(connections[0], 0.05)
    watchdog.watch(last)
    assert connections[0].was_shut()


class Wrapper:
    """A socket that only has its methods as an instance, as eventlet's has."""

    def __init__(self, wrapped: socket.socket) -> None:
        self.shutdown = wrapped.shutdown


def test_a_socket_of_another_library(watchdog: Watchdog, connections: list[Connection]) -> None:
    """What eventlet has put in place of the standard sockets is shut all the same."""
    wrapped, overdue = connections
    wrapped.wrapped = Wrapper(wrapped.ours)
    watchdog.watch(attempt_on(wrapped, 0.02))
    watchdog.watch(attempt_on(overdue, 0.1))
    assert wrapped.was_shut()
    assert overdue.was_shut()


def test_closing_a_client_ends_its_thread(make_client: MakeClient) -> None:
    """Once ``close`` has returned, a subinterpreter may end, or a process may fork."""
    before = set(threads())
    client = make_client()
    client.query("Q", "m")
    client.close()
    assert set(threads()) == before


def test_an_attempt_that_is_ended_early(watchdog: Watchdog, connections: list[Connection]) -> None:
    """Another thread may end an attempt: its connection is shut at once, long before its time."""
    overdue, ended = connections
    attempt = attempt_on(ended, 60)
    watchdog.watch(attempt)
    watchdog.watch(attempt_on(overdue, 0.02))
    assert overdue.was_shut()
    with watchdog._lock:  # Now its thread waits for a minute.
        pass
    attempt.end_now()
    watchdog.hurry(attempt)
    assert ended.was_shut()


def test_nothing_to_hurry(watchdog: Watchdog, connections: list[Connection]) -> None:
    """An attempt that is over when another thread ends it keeps its connection."""
    attempt = attempt_on(connections[0], 60)
    before = threads()
    attempt.end_now()
    watchdog.hurry(attempt)
    assert threads() == before
    assert connections[0].is_open()


def test_an_idle_thread_ends(
    watchdog: Watchdog, connections: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that has had nothing to watch for a while ends by itself; another one follows it."""
    monkeypatch.setattr(watchdog_module, "_LINGER", 0.02)
    before = set(threads())
    first, second = connections
    watchdog.watch(attempt_on(first, 0.01))
    for thread in set(threads()) - before:
        thread.join(5)
    assert first.was_shut()
    assert set(threads()) == before
    watchdog.watch(attempt_on(second, 0.01))
    assert second.was_shut()


def test_the_end_of_the_interpreter(
    watchdog: Watchdog, connections: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for a lock whose thread has stopped with the interpreter."""
    before = threads()
    attempt = attempt_on(connections[0], 0.01)
    with watchdog._lock, monkeypatch.context() as patches:
        patches.setattr(sys, "is_finalizing", lambda: True)
        watchdog.watch(attempt)
        watchdog.hurry(attempt)
        watchdog.forget(attempt)
    assert threads() == before


def test_its_thread_stays_for_the_next(watchdog: Watchdog, connections: list[Connection]) -> None:
    """Attempts that end in time leave the thread to those after them."""
    before = set(threads())
    attempt = attempt_on(connections[0], 60)
    watchdog.watch(attempt)
    (thread,) = set(threads()) - before
    watchdog.forget(attempt)
    watchdog._earlier.put(None)
    thread.join(0.1)
    assert thread.is_alive()


def test_no_thread_can_be_started(
    watchdog: Watchdog, connections: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system has no more threads, the attempt goes on with its timeouts alone."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    attempt = attempt_on(connections[0], 60)
    with monkeypatch.context() as patches:
        patches.setattr(watchdog_module, "start_thread", refuse)
        watchdog.watch(attempt)
    watchdog.forget(attempt)
    watchdog.watch(attempt_on(connections[0], 0.01))
    assert connections[0].was_shut()


def test_a_connection_with_tls(watchdog: Watchdog, connections: list[Connection]) -> None:
    """It is shut below TLS, whose state its own thread may be using."""
    secured, overdue = connections
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    wrapped = context.wrap_socket(
        secured.ours, do_handshake_on_connect=False, server_hostname="cache.test"
    )
    secured.ours = secured.wrapped = wrapped
    watchdog.watch(attempt_on(secured, 0.02))
    watchdog.watch(attempt_on(overdue, 0.1))
    assert secured.was_shut()
    assert overdue.was_shut()
    # And not an AttributeError, as without that state.
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wrapped.do_handshake()
