"""Answers that are too large, too large once unpacked, or compressed in invalid ways."""

from __future__ import annotations

import functools
import gzip
import json
import zlib

from faults.behaviour import (
    CHUNKED,
    CONTENT,
    Close,
    Forever,
    Send,
    answer,
    chunk,
    head,
    on_request,
    packed,
)
from faults.scenario import BOTH, Answers, Group, Raises, Scenario
from servers import HIT

from vectorcache import APIConnectionError, APIResponseError

LIMIT = {"max_response_bytes": 1_000}
TOO_LARGE = ("larger than 1,000 bytes (max_response_bytes)", "raise max_response_bytes=")


@functools.cache
def bomb(size: int) -> bytes:
    """Returns ``size`` spaces, which JSON ignores, compressed to a thousandth of that size."""
    packer = zlib.compressobj(level=6, wbits=16 + zlib.MAX_WBITS)
    million = 1_000_000 * b" "
    pieces = [packer.compress(million) for _ in range(size // len(million))]
    return b"".join(pieces) + packer.flush()


def too_large(fault: str, *sent: bytes) -> Scenario:
    return Scenario(
        fault=fault,
        promise="`APIResponseError` that names the limit, never retried.",
        client=LIMIT,
        rest=on_request(*sent, Close()),
        sees=Raises(APIResponseError, 1, TOO_LARGE, status=200),
        requests=1,
    )


def unreadable(fault: str, content: bytes, encoding: str, says: str) -> Scenario:
    return Scenario(
        fault=fault,
        promise="`APIResponseError` that names the problem, after one retry.",
        rest=on_request(packed(content, encoding)),
        sees=Raises(APIResponseError, 2, (says,), status=200),
        requests=2,
    )


def understood(fault: str, sent: bytes) -> Scenario:
    return Scenario(
        fault=fault,
        promise="The call returns the answer.",
        rest=on_request(sent),
        sees=Answers(),
        requests=1,
    )


LARGE = json.dumps({**HIT, "response": 2_000 * "x"}).encode()
PACKED = gzip.compress(CONTENT)
MEGABYTES_9 = {**HIT, "response": 9_000_000 * "x"}

GROUP = Group(
    "Size and compression",
    (
        too_large("An answer above the limit", answer(raw=LARGE)),
        too_large("An answer above the limit, in chunks", CHUNKED, chunk(LARGE)),
        too_large("An answer above the limit, without a length", head(), LARGE),
        too_large("A small answer that unpacks into a large one", packed(gzip.compress(LARGE))),
        too_large(
            "A `Content-Length` of 100 GB",
            head(f"Content-Length: {10**11}"),
            2_000 * b" ",
        ),
        Scenario(
            fault="An endless body, as fast as possible",
            promise="`APIResponseError` after 10 MB.",
            rest=on_request(CHUNKED, Forever(chunk(60_000 * b" "))),
            sees=Raises(
                APIResponseError,
                1,
                ("larger than 10,000,000 bytes (max_response_bytes)",),
                status=200,
            ),
            requests=1,
            within=5,
        ),
        Scenario(
            fault="Endless gzip, as fast as possible",
            promise="`APIResponseError` after 10 MB have been unpacked.",
            rest=on_request(head("Content-Encoding: gzip", "Connection: close"), bomb(20_000_000)),
            sees=Raises(APIResponseError, 1, ("larger than 10,000,000 bytes",), status=200),
            requests=1,
        ),
        Scenario(
            fault="200 kB that unpack into 200 MB",
            promise="`APIResponseError` before a tenth of it is unpacked.",
            rest=on_request(packed(bomb(200_000_000))),
            sees=Raises(APIResponseError, 1, ("larger than 10,000,000 bytes",), status=200),
            requests=1,
            over=BOTH,
        ),
        Scenario(
            fault="An answer of 9 MB",
            promise="The call returns the answer, as the limit is 10 MB.",
            rest=on_request(answer(MEGABYTES_9)),
            sees=Answers(value=MEGABYTES_9),
            requests=1,
        ),
        Scenario(
            fault="An answer that is exactly as large as the limit",
            promise="The call returns the answer.",
            client={"max_response_bytes": len(CONTENT)},
            rest=on_request(answer(raw=CONTENT)),
            sees=Answers(),
            requests=1,
            not_usable_after="the answer after the fault is larger",
        ),
        Scenario(
            fault="An answer that is one byte larger than the limit",
            promise="`APIResponseError` that names the limit.",
            client={"max_response_bytes": len(CONTENT)},
            rest=on_request(answer(raw=CONTENT + b" ")),
            sees=Raises(APIResponseError, 1, ("max_response_bytes",), status=200),
            requests=1,
            not_usable_after="the answer after the fault is larger",
        ),
        unreadable(
            "Bytes that are not gzip, as `gzip`", CONTENT, "gzip", "its gzip compression is broken"
        ),
        unreadable("Gzip that breaks off", PACKED[:-9], "gzip", "its gzip compression breaks off"),
        unreadable(
            "Gzip with a wrong checksum", PACKED[:-8] + 8 * b"x", "gzip", "compression is broken"
        ),
        unreadable(
            "More bytes after the end of gzip", PACKED + b"more", "gzip", "more after the end"
        ),
        unreadable("Two gzip members", PACKED + gzip.compress(b" "), "gzip", "more after the end"),
        unreadable(
            "Gzip twice, with one `gzip` in the header",
            gzip.compress(PACKED),
            "gzip",
            "it is not JSON",
        ),
        unreadable(
            "Gzip twice, with both in the header",
            gzip.compress(PACKED),
            "gzip, gzip",
            "'gzip, gzip'",
        ),
        unreadable("Fifty encodings", PACKED, ", ".join(50 * ["gzip"]), "Content-Encoding"),
        unreadable("Gzip with `Content-Encoding: identity`", PACKED, "identity", "it is not JSON"),
        unreadable(
            "Deflate, which the client does not accept",
            zlib.compress(CONTENT),
            "deflate",
            "'deflate', not gzip",
        ),
        unreadable(
            "Brotli, which the client does not accept", b"\x0b\x02\x80", "br", "'br', not gzip"
        ),
        unreadable(
            "Zstandard, which the client does not accept",
            b"\x28\xb5\x2f\xfd",
            "zstd",
            "'zstd', not gzip",
        ),
        unreadable("An unknown encoding", CONTENT, "rot13", "'rot13', not gzip"),
        unreadable("Gzip of an empty body", gzip.compress(b""), "gzip", "it is not JSON"),
        Scenario(
            fault="Gzip that is cut off by the network",
            promise="Retried once, and then answered.",
            steps=(
                on_request(
                    head("Content-Encoding: gzip", f"Content-Length: {len(PACKED)}"),
                    Send(PACKED[:-9]),
                    Close(),
                ),
            ),
            sees=Answers(attempts=2),
            requests=2,
        ),
        Scenario(
            fault="Gzip that is cut off by the network, again and again",
            promise="`APIConnectionError` that says how much arrived.",
            rest=on_request(
                head("Content-Encoding: gzip", f"Content-Length: {len(PACKED)}"),
                Send(PACKED[:-9]),
                Close(),
            ),
            sees=Raises(
                APIConnectionError,
                2,
                (f"{len(PACKED) - 9} of {len(PACKED)} bytes arrived",),
                status=200,
            ),
            requests=2,
        ),
        understood("Gzip", packed(PACKED)),
        understood("Gzip under its old name `x-gzip`", packed(PACKED, "x-gzip")),
        understood("Gzip in capitals", packed(PACKED, "GZIP")),
        understood(
            "Gzip in chunks of one byte",
            head("Content-Encoding: gzip", "Transfer-Encoding: chunked")
            + b"".join(chunk(bytes([byte])) for byte in PACKED)
            + b"0\r\n\r\n",
        ),
        understood("Plain JSON with `Content-Encoding: identity`", packed(CONTENT, "identity")),
    ),
)
