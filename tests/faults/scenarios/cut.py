"""Answers that end before they are complete."""

from __future__ import annotations

import itertools

from faults.behaviour import (
    CHUNKED,
    CONTENT,
    HEAD,
    Action,
    Close,
    Cut,
    Pause,
    Reset,
    answer,
    body,
    chunk,
    head,
    on_request,
)
from faults.scenario import BOTH, HTTP, HTTPS, Answers, Group, Raises, Scenario

from vectorcache import (
    APIConnectionError,
    APIResponseError,
    AuthenticationError,
    RetryPolicy,
)

RETRIED_ONCE = "Retried once, and then answered."
WAITING = "broke while waiting for the answer"
LENGTH = f"{len(CONTENT):,}"

# The place of the cut: the bytes that arrive before it, and what the error says about it.
POINTS: dict[str, tuple[bytes, str]] = {
    "before the status line": (b"", WAITING),
    "in the status line": (b"HTTP/1.1 20", WAITING),
    "in the headers": (HEAD[:-8], WAITING),
    "between headers and body": (HEAD, f"0 of {LENGTH} bytes arrived"),
    "in the body": (HEAD + CONTENT[:20], f"20 of {LENGTH} bytes arrived"),
    "before the last byte of the body": (
        HEAD + CONTENT[:-1],
        f"{len(CONTENT) - 1} of {LENGTH} bytes arrived",
    ),
    "in a chunk's size": (CHUNKED + chunk(CONTENT[:20]) + b"1", "20 bytes arrived"),
    "in a chunk": (CHUNKED + chunk(CONTENT)[:24], "bytes arrived"),
    "between two chunks": (CHUNKED + chunk(CONTENT[:20]), "20 bytes arrived"),
    "before the last, empty chunk": (CHUNKED + chunk(CONTENT), f"{LENGTH} bytes arrived"),
    "before the blank line at the end of the chunks": (
        CHUNKED + chunk(CONTENT) + b"0\r\n",
        f"{LENGTH} bytes arrived",
    ),
    "in the trailers": (
        CHUNKED + chunk(CONTENT) + b"0\r\nX-Checksum: 1",
        f"{LENGTH} bytes arrived",
    ),
}

# A reset discards bytes that have not arrived yet. The pause gives them time to arrive.
WAYS: dict[str, tuple[Action, ...]] = {
    "Closed": (Close(),),
    "Reset": (Pause(0.02), Reset()),
}


def cut_at(where: str, way: str) -> tuple[Scenario, Scenario]:
    sent, arrived = POINTS[where]
    step = on_request(sent, *WAYS[way])
    return (
        Scenario(
            fault=f"{way} {where}",
            promise=RETRIED_ONCE,
            steps=(step,),
            sees=Answers(attempts=2),
            requests=2,
            over=BOTH,
        ),
        Scenario(
            fault=f"{way} {where}, again and again",
            promise=f'`APIConnectionError` after one retry; it says "{arrived}".',
            rest=step,
            sees=Raises(
                APIConnectionError,
                2,
                (arrived, "2 attempts", "repeated only once"),
                status=200 if "bytes arrived" in arrived else None,
            ),
            requests=2,
            over=BOTH if where == "in the body" else HTTP,
        ),
    )


GROUP = Group(
    "Answers that are cut off",
    (
        *itertools.chain.from_iterable(cut_at(where, way) for way in WAYS for where in POINTS),
        Scenario(
            fault="Cut off without the close_notify of TLS",
            promise="Retried once, as the answer is not complete.",
            steps=(on_request(HEAD + CONTENT[:20], Cut()),),
            sees=Answers(attempts=2),
            requests=2,
            over=HTTPS,
        ),
        Scenario(
            fault="An answer without a length, cut off",
            promise="`APIResponseError` after one retry; a part is never taken for the whole "
            "answer.",
            rest=on_request(head("Connection: close"), CONTENT[:-5], Close()),
            sees=Raises(APIResponseError, 2, ("it is not JSON",), status=200),
            requests=2,
            over=BOTH,
        ),
        Scenario(
            fault="An answer without a length, reset",
            promise="`APIConnectionError` after one retry.",
            rest=on_request(head("Connection: close"), CONTENT[:-5], *WAYS["Reset"]),
            sees=Raises(APIConnectionError, 2, ("bytes arrived",), status=200),
            requests=2,
            over=HTTP,
        ),
        Scenario(
            fault="A complete answer, and then a reset",
            promise="The call returns the answer.",
            steps=(on_request(answer(), *WAYS["Reset"]),),
            sees=Answers(),
            requests=1,
            over=BOTH,
        ),
        Scenario(
            fault="Cut off, and the request may have been paid for",
            promise="The client waits at least one second, and retries once.",
            client={"retry": RetryPolicy(transient_backoff=0)},
            steps=(on_request(HEAD, Close()),),
            sees=Answers(attempts=2),
            requests=2,
            at_least=1.0,
        ),
        Scenario(
            fault="Cut off, and the deadline is less than a second away",
            promise="`APIConnectionError` at once.",
            client={"retry": RetryPolicy(transient_backoff=0)},
            query={"deadline": 0.9},
            rest=on_request(HEAD, Close()),
            sees=Raises(
                APIConnectionError, 1, ("the deadline of 0.9 s leaves no time",), status=200
            ),
            requests=1,
            within=0.5,
        ),
        Scenario(
            fault="A failure, a cut and a failure",
            promise="All three are retried, and the fourth attempt is answered.",
            steps=(
                on_request(answer(status=500)),
                on_request(HEAD, Close()),
                on_request(answer(status=503)),
            ),
            query={"max_retries": 3},
            sees=Answers(attempts=4),
            requests=4,
        ),
        Scenario(
            fault="Two cuts with a failure between them",
            promise="The second cut ends the call: each call sends a request that may have been "
            "paid for once more at most.",
            steps=(
                on_request(HEAD, Close()),
                on_request(answer(status=500)),
                on_request(HEAD, Close()),
            ),
            query={"max_retries": 5},
            sees=Raises(APIConnectionError, 3, ("repeated only once", "500"), status=200),
            requests=3,
        ),
        Scenario(
            fault="The body of a `401` is cut off",
            promise="The status decides the error: `AuthenticationError`, never retried.",
            rest=on_request(
                head("Content-Length: 500", status="401 No"), body({"detail": "no"}), Close()
            ),
            sees=Raises(
                AuthenticationError, 1, ("401", "16 of 500 bytes arrived"), status=401, cause=True
            ),
            requests=1,
            over=BOTH,
        ),
    ),
)
