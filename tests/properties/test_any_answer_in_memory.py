"""A call ends as promised for any answer and any failure of a transport, without a socket."""

from __future__ import annotations

import ssl

import httpx
from clients import MakeClient
from hypothesis import example, given
from hypothesis import strategies as st
from properties.effort import examples
from properties.http import BODIES, HEADERS, STATUSES
from properties.outcome import outcome
from properties.transport import AT_ONCE, Scripted

from vectorcache import APIResponseError, APIStatusError, VectorcacheError, VectorcacheResponse

# Errors that the transports of httpx raise, and others that a user's transport may raise.
FAULTS = st.sampled_from(
    [
        httpx.ConnectError("[Errno 111] Connection refused"),
        httpx.ConnectTimeout("timed out"),
        httpx.ReadTimeout(""),
        httpx.WriteError("[Errno 32] Broken pipe"),
        httpx.ReadError(""),
        httpx.PoolTimeout(""),
        httpx.RemoteProtocolError("illegal status line: bytearray(b'\\x00')"),
        httpx.LocalProtocolError("too much"),
        httpx.ProxyError("407 Proxy Authentication Required"),
        httpx.UnsupportedProtocol("no"),
        httpx.DecodingError("what?\r\n\x1b[0m"),
        httpx.StreamConsumed(),
        ssl.SSLError(1, "handshake"),
        TimeoutError("late"),
        OSError(5, "Input/output error"),
        ValueError("anything " + 9_000 * "x"),
        KeyError("k"),
        RecursionError(),
        MemoryError(),
    ]
)


def chunked(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def test_any_answer(make_client: MakeClient) -> None:
    """Any status, headers, body and chunks give a result or the error of the status."""
    transport = Scripted()
    client = make_client(http_client=transport, retry=AT_ONCE, max_retries=1, deadline=5.0)

    @given(STATUSES, HEADERS, BODIES, st.integers(1, 500))
    @examples(400)
    def answers(status: int, headers: list[tuple[bytes, bytes]], body: bytes, size: int) -> None:
        transport.status, transport.headers = status, headers
        transport.chunks = chunked(body, size)
        found = outcome(client)
        if status == 200:
            assert isinstance(found, VectorcacheResponse | APIResponseError)
        else:
            assert isinstance(found, APIStatusError)
            assert found.status_code == status

    answers()


def test_any_fault(make_client: MakeClient) -> None:
    """Whatever a transport raises, before or during an answer, becomes a VectorcacheError."""
    transport = Scripted()
    client = make_client(http_client=transport, retry=AT_ONCE, max_retries=1, deadline=5.0)

    @given(STATUSES, BODIES, FAULTS, st.booleans())
    @example(status=200, body=b"", fault=RecursionError(), inside=False)
    @example(status=200, body=b"", fault=MemoryError(), inside=True)
    @examples(150)
    def faults(status: int, body: bytes, fault: Exception, inside: bool) -> None:
        transport.status, transport.chunks = status, [body]
        transport.fault, transport.cut = (None, fault) if inside else (fault, None)
        found = outcome(client)
        assert isinstance(found, VectorcacheError)
        assert found.attempts in (1, 2)

    faults()
