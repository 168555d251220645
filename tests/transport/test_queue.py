"""The queue for connections, without a network."""

from __future__ import annotations

from vectorcache._transport.queue import Connection, ConnectionQueue, Waiter


class Caller(Waiter[str]):
    """A caller that counts how often it was woken."""

    def __init__(self) -> None:
        self.woken = 0
        super().__init__(self.count)

    def count(self) -> None:
        self.woken += 1


class Stream:
    """What httpcore says of a connected socket."""

    def __init__(self, *, readable: bool) -> None:
        self.readable = readable

    def get_extra_info(self, name: str) -> bool | None:
        return self.readable if name == "is_readable" else None


def served(queue: ConnectionQueue[str], name: str) -> Caller:
    """A caller that has a connection, which is connected."""
    caller = Caller()
    assert queue.take(caller)
    assert caller.connection is not None
    caller.connection.transport = name
    return caller


def test_first_come_first_served() -> None:
    """Connections go to those who wait in the order they came."""
    queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
    holder, *waiters = (Caller() for _ in range(4))
    assert queue.take(holder)
    assert [queue.take(waiter) for waiter in waiters] == [False, False, False]
    for one, following in zip([holder, *waiters], waiters, strict=False):
        assert (following.connection, following.woken) == (None, 0)
        queue.leave(one, 0.0)
        assert following.connection is not None
        assert following.woken == 1


def test_as_many_as_allowed() -> None:
    """So many callers are served at once, each by a connection of its own, and no more."""
    queue: ConnectionQueue[str] = ConnectionQueue(3, 30.0)
    callers = [Caller() for _ in range(5)]
    assert [queue.take(caller) for caller in callers] == [True, True, True, False, False]
    assert len({id(caller.connection) for caller in callers[:3]}) == 3


def test_leaving_passes_on_what_was_just_given() -> None:
    """A caller that gives up in the moment its turn comes does not take it along."""
    queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
    holder, quitter, patient = (Caller() for _ in range(3))
    for waiter in (holder, quitter, patient):
        queue.take(waiter)
    queue.leave(holder, 0.0)
    assert quitter.connection is not None
    queue.leave(quitter, 0.0)
    assert patient.connection is quitter.connection


def test_giving_up_while_waiting() -> None:
    """A caller that stops waiting is not served any more; leaving again does no harm."""
    queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
    holder = served(queue, "only")
    quitter, patient = Caller(), Caller()
    queue.take(quitter)
    queue.take(patient)
    for _ in range(2):
        assert queue.leave(quitter, 0.0) is None
    assert queue.leave(holder, 0.0) is None
    assert (quitter.connection, quitter.woken) == (None, 0)
    assert patient.connection is holder.connection


def test_leaving_twice() -> None:
    """What another caller uses by now is left to it, and that caller is woken if need be."""
    queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
    holder = served(queue, "only")
    following, last = Caller(), Caller()
    queue.take(following)
    queue.take(last)
    queue.leave(holder, 0.0)
    queue.leave(holder, 0.0)
    assert following.woken == 2
    assert (last.connection, last.woken) == (None, 0)


def test_leaving_twice_what_is_idle() -> None:
    """A connection becomes idle once, however often its caller leaves."""
    queue: ConnectionQueue[str] = ConnectionQueue(2, 30.0)
    holder = served(queue, "only")
    for _ in range(2):
        assert queue.leave(holder, 0.0) is None
    assert queue.idle() == ["only"]


def test_only_a_connection_of_ones_own_is_stripped() -> None:
    """A caller that failed takes its own transport away, and never the next caller's."""
    queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
    waiting = Caller()
    assert waiting.strip() is None
    holder = served(queue, "broken")
    assert holder.connection is not None
    holder.connection.network_stream = Stream(readable=False)
    assert holder.strip() == "broken"
    assert holder.connection.transport is None
    assert holder.connection.network_stream is None
    queue.take(waiting)
    queue.leave(holder, 0.0)
    assert waiting.connection is not None
    waiting.connection.transport = "new"
    assert holder.strip() is None
    assert waiting.connection.transport == "new"


def test_the_last_used_is_used_first() -> None:
    """A light load stays on few connections, and those left idle are closed in time."""
    queue: ConnectionQueue[str] = ConnectionQueue(9, keepalive=30.0)
    first, second = served(queue, "first"), served(queue, "second")
    assert queue.leave(first, 0.0) is None
    assert queue.leave(second, 20.0) is None
    third = Caller()
    queue.take(third)
    assert third.connection is second.connection
    assert queue.leave(third, 40.0) == "first"
    assert queue.close() == ["second"]


def test_how_long_an_idle_connection_is_kept() -> None:
    """It is closed as soon as it has been idle for the keep-alive time, and not before."""
    queue: ConnectionQueue[str] = ConnectionQueue(9, keepalive=30.0)
    first, second = served(queue, "first"), served(queue, "second")
    queue.leave(first, 100.0)
    assert queue.leave(second, 129.9) is None
    queue.take(second)
    assert queue.leave(second, 130.0) == "first"


def test_a_closed_idle_connection_makes_room() -> None:
    """Where one was closed for being idle, one more may be made, and only one."""
    queue: ConnectionQueue[str] = ConnectionQueue(4, keepalive=30.0)
    first, second, _ = (served(queue, name) for name in ("first", "second", "in use"))
    queue.leave(first, 0.0)
    assert queue.leave(second, 40.0) == "first"
    assert [queue.take(Caller()) for _ in range(4)] == [True, True, True, False]


def test_a_connection_that_was_never_opened() -> None:
    """A place without a transport gives nothing to close."""
    queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
    caller = Caller()
    queue.take(caller)
    assert queue.leave(caller, 0.0) is None
    assert queue.idle() == queue.close() == []


def test_closing_closes_what_is_idle() -> None:
    """Closing gives back the idle transports, once."""
    queue: ConnectionQueue[str] = ConnectionQueue(3, 30.0)
    callers = [served(queue, name) for name in ("first", "second", "in use")]
    for caller in callers[:2]:
        queue.leave(caller, 0.0)
    assert not queue.closed
    assert queue.close() == ["first", "second"]
    assert queue.closed
    assert queue.close() == []


def test_closing_while_in_use() -> None:
    """What is in use when the queue is closed is closed when its caller leaves, and only then."""
    queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
    holder = served(queue, "only")
    assert queue.close() == []
    assert holder.connection is not None
    assert holder.connection.transport == "only"
    assert queue.leave(holder, 0.0) == "only"
    assert queue.leave(holder, 0.0) is None
    assert queue.idle() == []


def test_closing_while_others_wait() -> None:
    """Those who wait when the queue is closed are still served, one after the other."""
    queue: ConnectionQueue[str] = ConnectionQueue(1, 30.0)
    holder, following = served(queue, "only"), Caller()
    queue.take(following)
    queue.close()
    assert queue.leave(holder, 0.0) is None
    assert following.connection is holder.connection
    assert queue.leave(following, 0.0) == "only"


class TestStaleness:
    """Whether a connection would have to be made anew."""

    def test_one_that_was_never_connected(self) -> None:
        """It is not stale, however long ago it was made."""
        assert not Connection[str]().is_stale(1e9, 30.0)

    def test_one_that_the_server_has_closed(self) -> None:
        """It is stale at once: there is something to read, which can only be its end."""
        connection = Connection[str]()
        connection.idle_since = 100.0
        connection.network_stream = Stream(readable=True)
        assert connection.is_stale(100.0, 30.0)

    def test_one_that_was_idle_for_long(self) -> None:
        """It is stale once the keep-alive time is over, and not before."""
        connection = Connection[str]()
        connection.idle_since = 100.0
        connection.network_stream = Stream(readable=False)
        assert not connection.is_stale(129.9, 30.0)
        assert connection.is_stale(130.0, 30.0)
        assert connection.is_stale(131.0, 30.0)
