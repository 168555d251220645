"""The queue for connections, without a network."""

from __future__ import annotations

import threading

from vectorcache._queue import ConnectionQueue, Waiter


def test_first_come_first_served() -> None:
    """Connections go to those who wait in the order they came."""
    queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
    holder, *waiters = (Waiter[str](threading.Event().set) for _ in range(4))
    assert queue.take(holder)
    assert [queue.take(waiter) for waiter in waiters] == [False, False, False]
    for one, following in zip([holder, *waiters], waiters, strict=False):
        assert following.connection is None
        queue.leave(one, 0.0)
        assert following.connection is not None


def test_leaving_passes_on_what_was_just_given() -> None:
    """A caller that gives up in the moment its turn comes does not take it along."""
    queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
    holder, quitter, patient = (Waiter[str](threading.Event().set) for _ in range(3))
    for waiter in (holder, quitter, patient):
        queue.take(waiter)
    queue.leave(holder, 0.0)
    assert quitter.connection is not None
    queue.leave(quitter, 0.0)
    assert patient.connection is quitter.connection


def test_the_last_used_is_used_first() -> None:
    """A light load stays on few connections, and those left idle are closed in time."""
    queue: ConnectionQueue[str] = ConnectionQueue(9, keepalive=30.0)
    first, second = (Waiter[str](threading.Event().set) for _ in range(2))
    for waiter, name in ((first, "first"), (second, "second")):
        queue.take(waiter)
        assert waiter.connection is not None
        waiter.connection.transport = name
    assert queue.leave(first, 0.0) is None
    assert queue.leave(second, 20.0) is None
    third = Waiter[str](threading.Event().set)
    queue.take(third)
    assert third.connection is second.connection
    assert queue.leave(third, 40.0) == "first"
    assert queue.close() == ["second"]
