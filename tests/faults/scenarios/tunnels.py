"""Tunnels through a proxy to an `https://` address, and the answers to CONNECT."""

from __future__ import annotations

from typing import Any

from faults.behaviour import (
    Close,
    Drip,
    Pause,
    Reset,
    Send,
    Stall,
    answer,
    head,
    on_connect,
    on_request,
    on_tunnel,
)
from faults.certificates import Certificate
from faults.scenario import Answers, Raises, Scenario, lasts
from faults.scenarios.proxies import FOR_HTTPS

from vectorcache import APIConnectionError, APITimeoutError

WITH_PASSWORD = {"HTTPS_PROXY": "http://user:secret@127.0.0.1:<port>"}


def refuses(status: str, attempts: int) -> Scenario:
    return Scenario(
        fault=f"The proxy answers `{status}` to CONNECT",
        promise=(
            "`APIConnectionError` with the status of the proxy, never retried."
            if attempts == 1
            else "Retried, then `APIConnectionError` with the status of the proxy."
        ),
        rest=on_tunnel(head("Content-Length: 0", status=status), Close()),
        sees=Raises(
            APIConnectionError,
            attempts,
            ("the proxy did not connect to far.localhost", status, "proxy variables"),
        ),
        requests=0,
        connections=attempts,
        **FOR_HTTPS,
    )


def slow(
    fault: str, *actions: Any, promise: str = "`APITimeoutError` at the deadline."
) -> Scenario:
    return Scenario(
        fault=fault,
        promise=promise,
        rest=on_tunnel(*actions),
        query={"deadline": 0.3},
        sees=Raises(
            APITimeoutError, 1, ("while connecting to far.localhost through the proxy 127.0.0.1:",)
        ),
        requests=0,
        **FOR_HTTPS,
        **lasts(0.3),
    )


TUNNELS: tuple[Scenario, ...] = (
    refuses("407 Proxy Authentication Required", 1),
    refuses("403 Forbidden", 1),
    refuses("302 Found", 1),
    refuses("429 Too Many Requests", 3),
    refuses("502 Bad Gateway", 3),
    refuses("503 Service Unavailable", 3),
    refuses("504 Gateway Timeout", 3),
    Scenario(
        fault="A proxy that fails once",
        promise="Retried, and then answered.",
        steps=(on_tunnel(head("Content-Length: 0", status="502 Bad Gateway"), Close()),),
        sees=Answers(attempts=2),
        requests=1,
        **FOR_HTTPS,
    ),
    Scenario(
        fault="A proxy that closes instead of answering CONNECT",
        promise="Retried, as the request was never sent.",
        steps=(on_tunnel(Close()),) * 2,
        sees=Answers(attempts=3),
        requests=1,
        **FOR_HTTPS,
    ),
    Scenario(
        fault="A proxy that resets instead of answering CONNECT",
        promise="Retried, as the request was never sent.",
        steps=(on_tunnel(Reset()),) * 2,
        sees=Answers(attempts=3),
        requests=1,
        **FOR_HTTPS,
    ),
    Scenario(
        fault="A proxy that answers CONNECT with noise",
        promise="`APIConnectionError` after all attempts, as the request was never sent.",
        rest=on_tunnel(bytes(range(256)), Close()),
        sees=Raises(APIConnectionError, 3, ("far.localhost",)),
        requests=0,
        **FOR_HTTPS,
    ),
    slow("A proxy that does not answer CONNECT", Stall()),
    slow("A proxy that answers CONNECT a byte at a time", Drip(500 * b"HTTP/1.1 200 OK")),
    slow(
        "A proxy that answers CONNECT, and then a TLS handshake that stalls",
        Send(head(status="200 OK")),
        Stall(),
    ),
    Scenario(
        fault="A proxy that does not answer CONNECT, with a `timeout`",
        promise="Retried after each `timeout`, as the request was never sent.",
        steps=(on_tunnel(Stall()),) * 2,
        query={"timeout": 0.3},
        sees=Answers(attempts=3),
        requests=1,
        **FOR_HTTPS,
        **lasts(0.6),
    ),
    Scenario(
        fault="An answer a byte at a time, through a proxy",
        promise="`APITimeoutError` at the deadline.",
        rest=on_request(Drip(answer())),
        query={"deadline": 0.3},
        sees=Raises(APITimeoutError, 1, ("waiting for the answer of far.localhost",)),
        requests=1,
        **FOR_HTTPS,
        **lasts(0.3),
    ),
    Scenario(
        fault="A proxy that intercepts TLS with its own certificate",
        promise="`APIConnectionError` that names the certificate, never retried; the key is "
        "not sent.",
        certificate=Certificate.UNKNOWN_AUTHORITY,
        sees=Raises(APIConnectionError, 1, ("its certificate is not valid here",)),
        requests=0,
        not_usable_after="the proxy keeps its certificate",
        **FOR_HTTPS,
    ),
    Scenario(
        fault="Plain HTTP instead of TLS behind a proxy for `https://`",
        promise="`APIConnectionError` that says that TLS failed, never retried.",
        rest=on_tunnel(head(status="200 OK"), Pause(0.02), answer(), Close()),
        sees=Raises(APIConnectionError, 1, ("no secure connection",)),
        requests=0,
        **FOR_HTTPS,
    ),
    Scenario(
        fault="An idle connection through a proxy is closed when the client writes",
        promise="Sent again at once through a new tunnel, which does not count as a retry.",
        warm=1,
        steps=(on_request(Close()),),
        query={"max_retries": 0},
        sees=Answers(),
        requests=2,
        **FOR_HTTPS,
    ),
    Scenario(
        fault="A proxy that rejects its password",
        promise="`APIConnectionError` that does not show the password.",
        rest=on_tunnel(head("Content-Length: 0", status="407 No"), Close()),
        sees=Raises(APIConnectionError, 1, ("the proxy did not connect",), ("secret", "dXNlcjpz")),
        requests=0,
        **{**FOR_HTTPS, "environment": WITH_PASSWORD},
    ),
    Scenario(
        fault="A proxy with a password that stalls",
        promise="`APITimeoutError` that does not show the password.",
        rest=on_connect(Stall()),
        query={"deadline": 0.3},
        sees=Raises(APITimeoutError, 1, ("through the proxy",), ("secret", "user")),
        requests=0,
        **{**FOR_HTTPS, "environment": WITH_PASSWORD},
        **lasts(0.3),
    ),
)
