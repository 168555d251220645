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
            promise="They queue, and all are answered.",
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
            promise="They queue, and all are answered.",
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
            promise="Each has its error, and the connection is not lost.",
            rest=on_request(error(500), Close()),
            query={"max_retries": 0},
            calls=30,
            at_once=True,
            sees=Raises(InternalServerError, 1, ("500",), status=500),
            requests=range(30, 61),
            within=10,
        ),
        Scenario(
            fault="20 equal callers at once with `coalesce=True`, and a failure that takes a while",
            promise="Few requests are sent, and each caller has an error of its own.",
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
            promise="All have their `APITimeoutError` at the deadline; those who never had the "
            "connection are told that it is the client's own limit, and nothing was sent.",
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
