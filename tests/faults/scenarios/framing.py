"""Bytes that are not HTTP, and answers that can be read in more than one way."""

from __future__ import annotations

import itertools

from faults.behaviour import (
    CHUNKED,
    CONTENT,
    Close,
    Forever,
    Send,
    Stall,
    answer,
    chunk,
    head,
    on_request,
)
from faults.scenario import BOTH, HTTP, Answers, Group, Raises, Scenario

from vectorcache import APIConnectionError, APIResponseError, APIStatusError, VectorcacheError

LENGTH = f"Content-Length: {len(CONTENT)}"
BROKE = "`APIConnectionError` after one retry."


def refused(
    fault: str, sent: bytes, *says: str, status: int | None = None, over: tuple[str, ...] = HTTP
) -> Scenario:
    return Scenario(
        fault=fault,
        promise=BROKE,
        rest=on_request(sent, Close()),
        sees=Raises(APIConnectionError, 2, ("broke while", *says), status=status),
        requests=2,
        over=over,
    )


def understood(fault: str, sent: bytes) -> Scenario:
    return Scenario(
        fault=fault,
        promise="The call returns the answer.",
        rest=on_request(sent, Close()),
        sees=Answers(),
        requests=1,
    )


def unusable(
    fault: str, sent: bytes, error: type[VectorcacheError], status: int, attempts: int, says: str
) -> Scenario:
    return Scenario(
        fault=fault,
        promise=f"`{error.__name__}`" + (" after one retry." if attempts == 2 else "."),
        rest=on_request(sent, Close()),
        sees=Raises(error, attempts, (says,), status=status),
        requests=attempts,
    )


INTERIM = head("Link: </a>", status="103 Early Hints")

GROUP = Group(
    "Framing",
    (
        refused("Noise instead of HTTP", bytes(range(256)) * 4, over=BOTH),
        refused("Another protocol's greeting", b"SSH-2.0-OpenSSH_9.6\r\n"),
        refused(
            "HTTP/2 that the client did not ask for",
            b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + 18 * b"\x00",
        ),
        refused("A body without a head, as in HTTP/0.9", CONTENT),
        refused("A status that is not a number", head(LENGTH, status="2OO OK") + CONTENT),
        refused("A status of two digits", head(LENGTH, status="20 OK") + CONTENT),
        refused("A status of four digits", head(LENGTH, status="2000 OK") + CONTENT),
        refused("A blank line before the status line", b"\r\n" + answer()),
        refused("A header without a colon", head(LENGTH, "no colon here") + CONTENT),
        refused("A header without a name", head(LENGTH, ": no name") + CONTENT),
        refused("A space before a header's colon", head("Content-Length : 2") + CONTENT),
        refused("A header with a zero byte", head(LENGTH, "X-Zero: \x00") + CONTENT),
        refused("Two lengths that differ", head(LENGTH, "Content-Length: 7") + CONTENT),
        refused("Two lengths in one header that differ", head("Content-Length: 7, 8") + CONTENT),
        refused("A negative length", head("Content-Length: -1") + CONTENT),
        refused("A length with a sign", head(f"Content-Length: +{len(CONTENT)}") + CONTENT),
        refused("A length that is not a number", head("Content-Length: many") + CONTENT),
        refused(
            "A length of 20 digits",
            head(f"Content-Length: {10**19}") + CONTENT,
            "bytes",
            status=200,
        ),
        refused("A length of 100 digits", head(f"Content-Length: {10**99}") + CONTENT),
        refused("An unknown transfer coding", head("Transfer-Encoding: gzip, chunked") + CONTENT),
        refused(
            "A chunk size that is not a number",
            CHUNKED + b"ZZ\r\n" + CONTENT,
            "0 bytes",
            status=200,
        ),
        refused("A negative chunk size", CHUNKED + b"-5\r\nabcde\r\n", "0 bytes", status=200),
        refused("A chunk size of 30 digits", CHUNKED + 30 * b"F" + b"\r\n", "0 bytes", status=200),
        refused(
            "A chunk longer than its size",
            CHUNKED + b"5\r\n" + CONTENT + b"\r\n0\r\n\r\n",
            "bytes",
            status=200,
        ),
        refused("A header of 1 MB", head(LENGTH, f"X-Long: {1_000_000 * 'x'}") + CONTENT),
        refused("100,000 headers", head(*itertools.repeat("X-Many: 1", 100_000), LENGTH) + CONTENT),
        refused(
            "Trailers of 1 MB",
            CHUNKED + chunk(CONTENT) + b"0\r\n" + 100_000 * b"X-Many: 1\r\n" + b"\r\n",
            "bytes",
            status=200,
        ),
        Scenario(
            fault="Endless headers, as fast as possible",
            promise=BROKE,
            rest=on_request(b"HTTP/1.1 200 OK\r\n", Forever(1_000 * b"X-Many: 1\r\n")),
            sees=Raises(APIConnectionError, 2, ("broke while waiting for the answer",)),
            requests=2,
            over=BOTH,
        ),
        Scenario(
            fault="An endless status line, as fast as possible",
            promise=BROKE,
            rest=on_request(b"HTTP/1.1 200 ", Forever(10_000 * b"x")),
            sees=Raises(APIConnectionError, 2, ("broke while waiting for the answer",)),
            requests=2,
        ),
        Scenario(
            fault="An endless chunk extension, as fast as possible",
            promise=BROKE,
            rest=on_request(CHUNKED + b"5;x=", Forever(10_000 * b"x")),
            sees=Raises(APIConnectionError, 2, ("0 bytes arrived",), status=200),
            requests=2,
        ),
        Scenario(
            fault="Endless trailers, as fast as possible",
            promise=BROKE,
            rest=on_request(CHUNKED + chunk(CONTENT) + b"0\r\n", Forever(1_000 * b"X-Many: 1\r\n")),
            sees=Raises(APIConnectionError, 2, ("bytes arrived",), status=200),
            requests=2,
        ),
        refused(
            "A switch to another protocol",
            head("Upgrade: websocket", "Connection: upgrade", status="101 Switching Protocols"),
        ),
        unusable(
            "`204`, which has no body",
            head(status="204 No Content"),
            APIStatusError,
            204,
            1,
            "204 no content",
        ),
        unusable(
            "An answer with an empty body",
            head("Content-Length: 0"),
            APIResponseError,
            200,
            2,
            "it is not JSON",
        ),
        Scenario(
            fault="An answer with both a length and chunks",
            promise="The call returns what the chunks contain, and ignores the length.",
            rest=on_request(
                head("Content-Length: 5", "Transfer-Encoding: chunked"),
                chunk(CONTENT) + b"0\r\n\r\n",
                Close(),
            ),
            sees=Answers(),
            requests=1,
        ),
        understood("A future version of HTTP", head(LENGTH, version="HTTP/1.9") + CONTENT),
        understood("The same length twice", head(LENGTH, LENGTH) + CONTENT),
        understood("Lines that end without a carriage return", answer().replace(b"\r\n", b"\n")),
        understood(
            "A header that goes on in the next line", head(LENGTH, "X-Long: a\r\n  b") + CONTENT
        ),
        understood("No reason phrase", head(LENGTH, status="200") + CONTENT),
        understood("A reason in Latin-1", head(LENGTH, status="200 d'accordé") + CONTENT),
        understood("Header values that are not ASCII", head(LENGTH, "X-Name: \xe9\xff") + CONTENT),
        understood("Interim answers, then the answer", INTERIM * 3 + answer()),
        understood(
            "`100 Continue` that the client did not ask for", head(status="100 Continue") + answer()
        ),
        understood(
            "Chunks with extensions and trailers",
            CHUNKED
            + chunk(CONTENT[:30], b";name=value")
            + chunk(CONTENT[30:], b';q="x"')
            + b"0\r\nX-Checksum: 1\r\n\r\n",
        ),
        understood(
            "Chunks of one byte each",
            CHUNKED + b"".join(chunk(bytes([b])) for b in CONTENT) + b"0\r\n\r\n",
        ),
        understood("No length, so the answer ends with the connection", head() + CONTENT),
        Scenario(
            fault="An answer before the request was read",
            promise="The call returns the answer; the connection is not used again.",
            rest=on_request(Send(answer(headers={"Connection": "close"})), Stall()),
            sees=Answers(),
            requests=1,
        ),
    ),
)
