"""A call ends as promised and in time, whatever a server sends."""

from __future__ import annotations

import socket
import time

from clients import AnyClient
from hypothesis import example, given
from hypothesis import strategies as st
from properties.effort import examples
from properties.http import BODIES, HEADERS, STATUSES, on_the_wire
from properties.outcome import outcome
from servers import HIT, ScriptedServer, Step, answer

from vectorcache import APIResponseError, APIStatusError, ConfigurationError, VectorcacheResponse

# Far less than the deadline of the client, because no test here has a reason to wait.
SOON = 4.0


def sends(raw: bytes) -> Step:
    """Sends these bytes and closes the connection."""

    def step(connection: socket.socket) -> None:
        connection.sendall(raw)

    return step


@given(STATUSES, HEADERS, BODIES)
@example(400, [], b'{"detail":' + 600 * b"[" + 600 * b"]" + b"}")
@example(400, [], b'{"detail": {"loc": ["x"], "msg": "a\\n\\u001b[31m' + 5_000 * b"x" + b'"}}')
@example(429, [], b'{"current_usage": %s, "monthly_limit": 1}' % (4_300 * b"9"))
@examples(150)
def test_the_status_decides(
    client: AnyClient,
    server: ScriptedServer,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    """A whole answer is a result or the error of its status, whatever its headers and body."""
    server.default = on_the_wire(status, headers, body)
    started = time.monotonic()
    found = outcome(client)
    assert time.monotonic() - started < SOON
    if status == 200:
        assert isinstance(found, VectorcacheResponse | APIResponseError)
    else:
        assert isinstance(found, APIStatusError)
        assert found.status_code == status


_PIECES = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.0 200\r\n",
            b"HTTP/2 1",
            b"Content-Length: 5\r\n",
            b"Content-Length: 0\r\n",
            b"Content-Length: 9" + 30 * b"9",
            b"Transfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: gzip\r\n",
            b"5\r\nhello\r\n",
            b"0\r\n\r\n",
            b"fffffffffffffffff\r\n",
            b"\r\n",
            b"\r\n\r\n",
            b"\n",
            b": ",
            b"\x00",
            b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
            b"HTTP/1.1 101 Switching\r\n\r\n",
            b"{}",
        ]
    )
    | st.binary(max_size=30)
    | st.tuples(st.integers(100, 999), HEADERS, BODIES).map(lambda parts: on_the_wire(*parts)),
    max_size=6,
).map(b"".join)


@given(_PIECES)
@examples(150)
def test_any_bytes(client: AnyClient, server: ScriptedServer, raw: bytes) -> None:
    """Whatever bytes arrive, a call ends in time with a result or a VectorcacheError."""
    server.default = sends(raw)
    started = time.monotonic()
    found = outcome(client)
    assert time.monotonic() - started < SOON
    assert not isinstance(found, ConfigurationError), "the client is set up correctly"


@given(st.integers(1, 400), BODIES, st.booleans())
@examples(60)
def test_a_cut_answer(
    client: AnyClient, server: ScriptedServer, kept: int, body: bytes, chunked: bool
) -> None:
    """An answer that breaks off anywhere never counts as a whole one."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    if chunked:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % max(1, len(body))
    whole = head + body
    server.default = sends(whole[: min(kept, len(whole) - 1)])
    assert not isinstance(outcome(client), VectorcacheResponse)


@given(STATUSES, st.sampled_from([b"{}", b"\r\n", answer({**HIT, "response": "not yours"})]))
@examples(30)
def test_the_next_answer_is_its_own(
    client: AnyClient, server: ScriptedServer, status: int, more: bytes
) -> None:
    """What a server sends after the end of an answer never becomes the answer of the next call."""
    server.script = [on_the_wire(status, [], b"{}") + more]
    server.default = answer()
    outcome(client, max_retries=0)
    assert client.query("Q", "m").response == HIT["response"]
