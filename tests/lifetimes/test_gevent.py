"""Under gevent, also where it patches the standard library after the client was made.

``gunicorn -k gevent --preload`` does so: gunicorn#1056, bookwyrm#2731.
"""

from __future__ import annotations

import socket
import textwrap
import threading

import pytest
from lifetimes.echo import EchoServer
from lifetimes.programs import run
from servers import HIT, Step, answer, drip

CALLERS = 5

PATCH = """
from gevent import monkey
monkey.patch_all()
"""
# With a limit for each wait, so that a blocked hub fails rather than hangs.
MAKE = """
client = VectorcacheClient(KEY, URL, timeout=10, max_retries=0, max_connections=5)
"""
ASK = 'assert client.query("before", "m").response == "before"\n'
CROWD = """
import gevent.pool
answers = gevent.pool.Pool(20).map(lambda n: client.query(str(n), "m").response, range(20))
assert answers == ["together"] * 5 + [str(n) for n in range(5, 20)], answers
many = client.query_many([str(n) for n in range(20)], model="m")
assert [result.unwrap().response for result in many] == [str(n) for n in range(20)]
client.close()
"""


@pytest.fixture
def by_name(server: EchoServer) -> str:
    """The server's address by a name, which has to be looked up."""
    return server.url.replace("127.0.0.1", "localhost")


def together() -> Step:
    """Answers once as many requests as there are connections have arrived."""
    everyone = threading.Barrier(CALLERS)

    def step(connection: socket.socket) -> None:
        everyone.wait(8)
        connection.sendall(answer({**HIT, "response": "together"}))

    return step


@pytest.mark.parametrize(
    ("program", "warm"),
    [(PATCH + MAKE, False), (MAKE + PATCH, False), (MAKE + ASK + PATCH, True)],
    ids=["patched first", "client made before", "client used before"],
)
def test_greenlets_wait_for_their_answers_together(
    server: EchoServer, by_name: str, program: str, warm: bool
) -> None:
    """A greenlet that waits, for an answer or a connection, lets the others go on."""
    before = [answer({**HIT, "response": "before"})] if warm else []
    server.script = [*before, *[together()] * CALLERS]
    assert run(program + CROWD, by_name, warnings=()) == ""


def test_a_deadline_under_gevent(server: EchoServer, by_name: str) -> None:
    """The watchdog ends a call of a greenlet, too."""
    over = threading.Event()
    server.script = [drip(over)]
    program = """
    try:
        client.query("Q", "m", deadline=0.5)
    except VectorcacheError as error:
        assert "timed out" in str(error), error
    else:
        raise AssertionError("it was not ended")
    client.close()
    """
    assert run(PATCH + MAKE + textwrap.dedent(program), by_name, warnings=()) == ""
    over.set()
