"""More callers than connections."""

from __future__ import annotations

from faults.behaviour import Close, Pause, Stall, answer, error, on_request
from faults.scenario import BOTH, Answers, Group, Raises, Scenario, lasts

from vectorcache import APITimeoutError, InternalServerError

GROUP = Group(
    "More callers than connections",
    (
        Scenario(
            fault="100 callers at once, and 5 connections",
            promise="The callers queue, and all get their answers.",
            rest=on_request(Pause(0.002), answer()),
            client={"max_connections": 5},
            calls=100,
            at_once=True,
            sees=Answers(),
            requests=100,
            connections=range(1, 6),
            within=10,
            over=BOTH,
        ),
        Scenario(
            fault="30 callers at once, one connection, and a server that closes it each time",
            promise="The callers queue, and all get their answers.",
            rest=on_request(answer(), Close()),
            calls=30,
            at_once=True,
            query={"max_retries": 0},
            sees=Answers(),
            requests=range(30, 61),
            within=10,
        ),
        Scenario(
            fault="30 callers at once, one connection, and failures",
            promise="Each caller gets its own error, and the place in the pool is not lost.",
            rest=on_request(error(500), Close()),
            query={"max_retries": 0},
            calls=30,
            at_once=True,
            sees=Raises(InternalServerError, 1, ("500",), status=500),
            requests=range(30, 61),
            within=10,
        ),
        Scenario(
            fault="20 equal calls at once with `coalesce=True`, and a slow failure",
            promise="Few requests are sent, and each caller gets its own error.",
            rest=on_request(Pause(0.5), error(500)),
            client={"coalesce": True},
            query={"max_retries": 0},
            calls=20,
            at_once=True,
            sees=Raises(InternalServerError, range(2), ("500",), status=500),
            requests=range(1, 6),
            within=10,
        ),
        Scenario(
            fault="Five callers, one connection, and no answer",
            promise="All get `APITimeoutError` at the deadline; a caller that never had the "
            "connection is told that the client's own limit held it up and nothing was sent.",
            rest=on_request(Stall()),
            query={"deadline": 0.3},
            calls=5,
            at_once=True,
            sees=Raises(APITimeoutError, range(2), ("timed out",)),
            requests=range(1, 6),
            **lasts(0.3),
        ),
    ),
)
