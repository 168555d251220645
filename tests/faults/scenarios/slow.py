"""Answers that never end, or end too late."""

from __future__ import annotations

from faults.behaviour import (
    CHUNKED,
    CONTENT,
    HEAD,
    Action,
    Drip,
    Forever,
    Handshake,
    Pause,
    Read,
    Send,
    Stall,
    answer,
    chunk,
    error,
    head,
    on_connect,
    on_request,
)
from faults.scenario import BOTH, HTTP, Answers, Group, Raises, Scenario, lasts

from vectorcache import APITimeoutError

LIMIT = 0.3
LONG_HEAD = head("Content-Length: 1000")
HINT = head("Link: </style.css>", status="103 Early Hints")
# A server that sends without a pause competes with the client for the GIL of this process, so the
# client notices its deadline later. Without a deadline, the call would never end.
SLACK_IN_A_FLOOD = 2.0
PACKED = head("Content-Encoding: gzip", "Transfer-Encoding: chunked")

# The fault: the actions of the server, what the error says about the progress, and the schemes.
WAYS: dict[str, tuple[tuple[Action, ...], str, tuple[str, ...]]] = {
    "No answer at all": ((Stall(),), "waiting for the answer", BOTH),
    "A stall in the status line": ((Send(b"HTTP/1.1 2"), Stall()), "waiting for the answer", HTTP),
    "A stall in the headers": ((Send(HEAD[:-8]), Stall()), "waiting for the answer", BOTH),
    "A stall before the body": ((Send(LONG_HEAD), Stall()), "0 of 1,000 bytes arrived", HTTP),
    "A stall in the body": (
        (Send(LONG_HEAD + 400 * b" "), Stall()),
        "400 of 1,000 bytes arrived",
        BOTH,
    ),
    "A stall in a chunk size": ((Send(CHUNKED + b"1"), Stall()), "0 bytes arrived", HTTP),
    "A stall in a chunk": ((Send(CHUNKED + b"14\r\nabcde"), Stall()), "bytes arrived", HTTP),
    "A stall before the last chunk": (
        (Send(CHUNKED + chunk(CONTENT)), Stall()),
        f"{len(CONTENT)} bytes arrived",
        BOTH,
    ),
    "A stall in the trailers": (
        (Send(CHUNKED + chunk(CONTENT) + b"0\r\nX-Sum"), Stall()),
        f"{len(CONTENT)} bytes arrived",
        HTTP,
    ),
    "A stall after an interim answer": ((Send(HINT), Stall()), "waiting for the answer", HTTP),
    "The head a byte at a time": ((Drip(HEAD + CONTENT),), "waiting for the answer", BOTH),
    "A byte every quarter of a second": ((Drip(HEAD, every=0.25),), "waiting for the answer", HTTP),
    "The body a byte at a time": (
        (Send(LONG_HEAD), Drip(1_000 * b" ")),
        "of 1,000 bytes arrived",
        BOTH,
    ),
    "A body without a length, a byte at a time": (
        (Send(head("Connection: close")), Forever(b" ", every=0.02)),
        "bytes arrived",
        BOTH,
    ),
    "A chunk size a digit at a time": (
        (Send(CHUNKED), Drip(100 * b"0")),
        "0 bytes arrived",
        HTTP,
    ),
    "An endless chunk extension": (
        (Send(CHUNKED + b"5;x="), Forever(b"x", every=0.02)),
        "0 bytes arrived",
        HTTP,
    ),
    "Chunks of one byte": (
        (Send(CHUNKED), Forever(chunk(b" "), every=0.02)),
        "bytes arrived",
        BOTH,
    ),
    "Endless trailers": (
        (Send(CHUNKED + chunk(CONTENT) + b"0\r\n"), Forever(b"X-More: 1\r\n", every=0.02)),
        "bytes arrived",
        HTTP,
    ),
    "Endless headers, one at a time": (
        (Send(b"HTTP/1.1 200 OK\r\n"), Forever(b"X-More: 1\r\n", every=0.02)),
        "waiting for the answer",
        BOTH,
    ),
    "Endless interim answers": ((Forever(HINT, every=0.02),), "waiting for the answer", BOTH),
    "Endless interim answers, as fast as possible": (
        (Forever(HINT),),
        "waiting for the answer",
        HTTP,
    ),
    "A gzipped body that stalls": (
        (Send(PACKED + chunk(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")), Stall()),
        "10 bytes arrived",
        HTTP,
    ),
}


def at_the_deadline(fault: str) -> Scenario:
    actions, says, over = WAYS[fault]
    return Scenario(
        fault=fault,
        promise="`APITimeoutError` at the deadline.",
        rest=on_request(*actions),
        query={"deadline": LIMIT},
        sees=Raises(
            APITimeoutError,
            1,
            (f"timed out after {LIMIT} s while", says),
            status=200 if "bytes" in says else None,
        ),
        requests=1,
        over=over,
        **(lasts(LIMIT, SLACK_IN_A_FLOOD) if "as fast as possible" in fault else lasts(LIMIT)),
    )


def at_the_timeout(fault: str) -> Scenario:
    actions, says, _ = WAYS[fault]
    return Scenario(
        fault=f"{fault}, with a `timeout`",
        promise="`APITimeoutError` when `timeout` has passed, although bytes keep coming.",
        rest=on_request(*actions),
        query={"timeout": 0.3, "max_retries": 0},
        sees=Raises(
            APITimeoutError,
            1,
            ("timed out after 0.3 s while", says),
            status=200 if "bytes" in says else None,
        ),
        requests=1,
        **lasts(0.3),
    )


def on_a_used_connection(fault: str) -> Scenario:
    scenario = at_the_deadline(fault)
    return Scenario(
        fault=f"{fault}, on a connection used before",
        promise=scenario.promise,
        warm=1,
        rest=scenario.rest,
        query=scenario.query,
        sees=scenario.sees,
        requests=1,
        connections=1,
        over=BOTH,
        **lasts(LIMIT),
    )


# Larger than all buffers together between a client and a server that does not read.
BIG = 8_000_000 * "x"

GROUP = Group(
    "Answers that are slow",
    (
        *map(at_the_deadline, WAYS),
        *map(
            at_the_timeout,
            (
                "The head a byte at a time",
                "The body a byte at a time",
                "Chunks of one byte",
                "Endless trailers",
                "Endless interim answers",
            ),
        ),
        *map(
            on_a_used_connection,
            ("No answer at all", "The head a byte at a time", "The body a byte at a time"),
        ),
        Scenario(
            fault="No answer to the first attempt within `timeout`",
            promise="Retried once after `timeout`, as the request may have been paid for.",
            steps=(on_request(Stall()),),
            query={"timeout": 0.3},
            sees=Answers(attempts=2),
            requests=2,
            **lasts(0.3),
        ),
        Scenario(
            fault="No answer to any attempt within `timeout`",
            promise="`APITimeoutError` after one retry.",
            rest=on_request(Stall()),
            query={"timeout": 0.2},
            sees=Raises(APITimeoutError, 2, ("timed out after 0.2 s", "repeated only once")),
            requests=2,
            **lasts(0.4),
        ),
        Scenario(
            fault="Slow attempts that add up to more than the deadline",
            promise="`APITimeoutError` at the deadline, in the middle of an attempt.",
            rest=on_request(Stall()),
            query={"timeout": 0.3, "deadline": 0.5},
            sees=Raises(APITimeoutError, 2, ("before that: timed out after 0.3 s",)),
            requests=2,
            **lasts(0.5),
        ),
        Scenario(
            fault="Failures and a wait before an answer that stalls",
            promise="`APITimeoutError` at the deadline, which covers all attempts and waits; the "
            "message lists the earlier failures.",
            steps=(
                on_request(error(500)),
                on_request(error(429, headers={"Retry-After": "0.2"})),
                on_request(Stall()),
            ),
            query={"deadline": 0.5},
            sees=Raises(
                APITimeoutError, 3, ("before that: 500 internal server error", "429 rate limit")
            ),
            requests=3,
            **lasts(0.5),
        ),
        Scenario(
            fault="Slow failures",
            promise="`APITimeoutError` at the deadline, in the middle of an attempt.",
            rest=on_request(Pause(0.2), error(500)),
            query={"deadline": 0.5, "max_retries": 9},
            sees=Raises(APITimeoutError, 3, ("timed out after 0.", "before that: 500")),
            requests=3,
            **lasts(0.5),
        ),
        Scenario(
            fault="A slow answer that is complete in time",
            promise="The call returns the answer.",
            rest=on_request(Pause(0.1), HEAD, Pause(0.1), Drip(CONTENT, every=0.0005)),
            query={"deadline": 5},
            sees=Answers(),
            requests=1,
            over=BOTH,
        ),
        Scenario(
            fault="The server stops reading a big request",
            promise="`APITimeoutError` at the deadline; it says that the request was being sent.",
            rest=on_connect(Read(1_000), Stall()),
            query={"deadline": LIMIT, "context": BIG},
            sees=Raises(APITimeoutError, 1, ("while sending the request",)),
            requests=0,
            **lasts(LIMIT),
        ),
        Scenario(
            fault="The server reads a big request a little at a time",
            promise="`APITimeoutError` at the deadline.",
            rest=on_connect(Read(10**9, size=1_000, every=0.02)),
            query={"deadline": LIMIT, "context": BIG},
            sees=Raises(APITimeoutError, 1, ("while sending the request",)),
            requests=0,
            **lasts(LIMIT),
        ),
        Scenario(
            fault="The server stops reading a big request, with a `timeout`",
            promise="Retried after each `timeout`, as the request never arrived; then "
            "`APITimeoutError`.",
            rest=on_connect(Read(1_000), Stall()),
            query={"timeout": 0.2, "context": BIG},
            sees=Raises(APITimeoutError, 3, ("while sending the request",)),
            requests=0,
            at_least=0.59,
            within=1.5,  # Building this large request takes time, and is done for each attempt.
        ),
        Scenario(
            fault="A big request over TLS that the server stops reading",
            promise="`APITimeoutError` at the deadline.",
            rest=on_connect(Handshake(), Read(1_000), Stall()),
            query={"deadline": LIMIT, "context": BIG},
            sees=Raises(APITimeoutError, 1, ("while",)),
            requests=0,
            over=("https",),
            **lasts(LIMIT),
        ),
        Scenario(
            fault="A slow answer, with `timeout=None` and `deadline=None`",
            promise="The call waits for the answer and returns it.",
            client={"timeout": None, "deadline": None},
            rest=on_request(Pause(0.2), answer()),
            sees=Answers(),
            requests=1,
            at_least=0.2,
        ),
    ),
)
