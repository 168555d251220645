"""Connections that threads wait for: what ends them from outside, and what a fork leaves."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from call.attempts import SEND, facts, sync_trace
from transport.connection_pools import Closable, Pool, new_attempt

from vectorcache._call.failure import AttemptFailed
from vectorcache._transport import connections


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool("sync", size=1)
    yield pool
    pool.connections.close()


def test_a_connection_that_the_server_has_closed(pool: Pool) -> None:
    """It is closed on this side, too, and another one made, before anything is sent."""
    for readable in (False, True, False):
        attempt = new_attempt()
        with pool.connections.take(attempt):
            attempt.trace.start(Closable(readable=readable))
    assert [transport.closed for transport in pool.made] == [1, 0]


def test_another_thread_may_end_the_wait(pool: Pool) -> None:
    """A caller that waits for a connection is woken, and gets none."""
    waiting = new_attempt()
    outcome: list[AttemptFailed] = []

    def wait() -> None:
        try:
            with pool.connections.take(waiting):
                pass
        except AttemptFailed as error:
            outcome.append(error)

    with pool.connections.take(new_attempt()):
        thread = threading.Thread(target=wait)
        thread.start()
        while not pool.connections._here().queue._waiting:
            pass
        pool.connections.end(waiting)
        thread.join(10)
    assert len(outcome) == 1


class Socket(Closable):
    """A network stream over a real socket."""

    def __init__(self) -> None:
        super().__init__()
        self.ours, self.theirs = socket.socketpair()
        self.theirs.settimeout(5)

    def get_extra_info(self, name: str) -> Any:
        return self.ours if name == "socket" else super().get_extra_info(name)

    def was_shut(self) -> bool:
        return self.theirs.recv(1) == b""


@pytest.fixture
def stream() -> Iterator[Socket]:
    stream = Socket()
    yield stream
    stream.ours.close()
    stream.theirs.close()


def test_an_attempt_is_watched(pool: Pool, stream: Socket) -> None:
    """Once its connection is used, it does not outlive its time, whatever it waits for."""
    attempt = new_attempt(timeout=0.02)
    with pool.connections.take(attempt):
        attempt.trace.start(stream)
        sync_trace(attempt, pool.connections)(SEND, facts(SEND))
        assert stream.was_shut()


def test_another_thread_may_end_it(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that is ended from outside has no more time, and the watchdog looks at once."""
    hurried: list[Any] = []
    attempt = new_attempt(timeout=60)
    with pool.connections.take(attempt):
        monkeypatch.setattr(pool.connections._here().watchdog, "hurry", hurried.append)
        pool.connections.end(attempt)
        assert attempt.time.expired
    assert hurried == [attempt]


def test_nothing_is_watched_after_its_end(pool: Pool, stream: Socket) -> None:
    """Once its connection is given back an attempt is not watched; after closing, no thread is."""
    before = set(threading.enumerate())
    watchdog = pool.connections._here().watchdog
    for first in (True, False):
        attempt = new_attempt(timeout=60)
        with pool.connections.take(attempt):
            if first:
                attempt.trace.start(stream)
            sync_trace(attempt, pool.connections)(SEND, facts(SEND))
            assert watchdog._attempts == {attempt}
        assert watchdog._attempts == set()
    pool.connections.close()
    assert set(threading.enumerate()) == before


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has no such signal")
def test_a_signal_while_a_connection_is_closed(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its handler raises reaches the caller, and is not taken for a failure to close."""

    class Enough(Exception):
        pass

    def handle(*_: object) -> None:
        raise Enough

    def close(self: Closable) -> None:
        signal.raise_signal(signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        with pool.connections.take(new_attempt()):
            pass
        fresh = new_attempt()
        fresh.needs_new_connection = True
        with monkeypatch.context() as patches:
            patches.setattr(Closable, "close", close)
            with pytest.raises(Enough), pool.connections.take(fresh):
                pass
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_an_attempt_knows_the_connection_that_it_uses_again(pool: Pool) -> None:
    """What was connected for an earlier attempt can be shut for a later one."""
    stream = Closable()
    for first in (True, False):
        attempt = new_attempt()
        with pool.connections.take(attempt):
            if first:
                attempt.trace.start(stream)
            assert attempt.trace.network_stream is stream


@pytest.mark.parametrize("shared", [Closable(), None])
def test_names_are_looked_up_for_connections_of_its_own(shared: Closable | None) -> None:
    """The user's own transport does that itself."""
    pool = Pool("sync", shared=shared)
    assert pool.connections.looks_up_names is (shared is None)
    pool.connections.close()


class TestFork:
    """What a process that was forked does with its parent's connections."""

    @pytest.fixture
    def child(self, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Pool:
        """A pool in the child, after the parent has left one connection idle."""
        with pool.connections.take(new_attempt()):
            pass
        where = (os.getpid() + 1, socket.socket)
        monkeypatch.setattr(connections, "surroundings", lambda: where)
        return pool

    def test_it_uses_its_own(self, child: Pool) -> None:
        """It connects for itself, and closes its side of what it has inherited."""
        with child.connections.take(new_attempt()) as transport:
            assert transport is child.made[1]
        assert [made.closed for made in child.made] == [1, 0]
        with child.connections.take(new_attempt()) as transport:
            assert transport is child.made[1]

    def test_it_closes(self, child: Pool) -> None:
        """Closing closes what was inherited, too."""
        child.connections.close()
        assert [made.closed for made in child.made] == [1]


def test_ctrl_c_while_a_connection_is_given_back(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is given back all the same, and the interrupt reaches the caller."""
    here = pool.connections._here()
    leave, interrupts = here.queue.leave, [KeyboardInterrupt]

    def interrupted(*arguments: Any) -> Any:
        if interrupts:
            raise interrupts.pop()
        return leave(*arguments)

    monkeypatch.setattr(here.queue, "leave", interrupted)
    with pytest.raises(KeyboardInterrupt), pool.connections.take(new_attempt()):
        pass
    with pool.connections.take(new_attempt(deadline=None)) as transport:
        assert transport is pool.made[0]
