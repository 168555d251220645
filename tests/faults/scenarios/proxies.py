"""Proxies that fail, and the environment variables that configure them."""

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
from faults.scenario import HTTPS, Answers, Group, Raises, Scenario, lasts
from faults.scenarios.reuse import NOT_COUNTED, WRONG
from faults.server import Listening

from vectorcache import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConfigurationError,
    LLMProviderError,
)

PROXY = "http://127.0.0.1:<port>"
FOR_HTTP: dict[str, Any] = {
    "client": {"base_url": "http://far.localhost"},
    "environment": {"HTTP_PROXY": PROXY},
}
FOR_HTTPS: dict[str, Any] = {
    "client": {"base_url": "https://far.localhost"},
    "environment": {"HTTPS_PROXY": PROXY},
    "over": HTTPS,
    "tls_first": False,
}
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


GROUP = Group(
    "Proxies",
    (
        Scenario(
            fault="A proxy for `http://`",
            promise="The client asks the proxy, which passes the answer on.",
            sees=Answers(),
            requests=1,
            **FOR_HTTP,
        ),
        *(
            Scenario(
                fault=f"`NO_PROXY` names {what} of the service",
                promise="The service is reached without the proxy, which never sees the key.",
                environment={"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": hosts},
                sees=Answers(),
                requests=1,
            )
            for what, hosts in (
                ("the address", "cache.example, 127.0.0.1"),
                ("the address and the port", "127.0.0.1:<port>"),
                ("a range with the address", "10.0.0.0/8,127.0.0.0/8"),
                ("a pattern for the address", "127.*"),
            )
        ),
        *(
            Scenario(
                fault=f"A proxy variable that {what}",
                promise="`ConfigurationError` that names the problem, without the password; "
                "nothing is sent.",
                client={"base_url": "http://far.localhost"},
                environment={"HTTP_PROXY": proxy},
                sees=Raises(ConfigurationError, 0, (says,), ("secret",), cause=False),
                requests=0,
                not_usable_after="the proxy cannot be used",
            )
            for what, proxy, says in (
                ("names another kind of proxy", "gopher://user:secret@proxy", "socks5://"),
                ("is not a URL", "http://user:secret@[::1", "it is not a URL"),
            )
        ),
        Scenario(
            fault="A proxy for `https://`",
            promise="The proxy opens a tunnel, and sees neither the key nor the query.",
            calls=2,
            sees=Answers(),
            requests=2,
            connections=1,
            **FOR_HTTPS,
        ),
        Scenario(
            fault="`407` from a proxy for `http://`",
            promise="`APIStatusError`, never retried.",
            rest=on_request(answer(status=407, raw=b"")),
            sees=Raises(APIStatusError, 1, ("407 proxy authentication required",), status=407),
            requests=1,
            **FOR_HTTP,
        ),
        Scenario(
            fault="`502` and an HTML page from a proxy for `http://`",
            promise="Retried, then `LLMProviderError` that does not blame the LLM.",
            rest=on_request(answer(status=502, raw=b"<h1>no route</h1>")),
            sees=Raises(LLMProviderError, 3, ("502 bad gateway", "no route"), status=502),
            requests=3,
            **FOR_HTTP,
        ),
        Scenario(
            fault="A proxy for `http://` that closes an idle connection when the client writes",
            promise=NOT_COUNTED,
            warm=1,
            steps=(on_request(Close()),),
            query={"max_retries": 0},
            sees=Answers(),
            requests=2,
            **FOR_HTTP,
        ),
        Scenario(
            fault="A proxy for `http://` that stalls",
            promise="`APITimeoutError` at the deadline.",
            rest=on_request(Stall()),
            query={"deadline": 0.3},
            sees=Raises(APITimeoutError, 1, ("waiting for the answer",)),
            requests=1,
            **FOR_HTTP,
            **lasts(0.3),
        ),
        Scenario(
            fault="A proxy that refuses connections",
            promise="Retried, then `APIConnectionError` that names the proxy.",
            listening=Listening.REFUSES,
            sees=Raises(
                APIConnectionError,
                3,
                ("could not connect to the proxy 127.0.0.1:", "far.localhost", "proxy variables"),
            ),
            requests=0,
            **FOR_HTTPS,
        ),
        Scenario(
            fault="A proxy with an unknown host name",
            promise="Retried, then `APIConnectionError` that names the proxy.",
            client={"base_url": "http://far.localhost"},
            environment={"HTTP_PROXY": "http://no-such-proxy.invalid:3128"},
            sees=Raises(
                APIConnectionError,
                3,
                ("could not connect to the proxy no-such-proxy.invalid:3128",),
            ),
            requests=0,
            within=20,
            not_usable_after="the environment stays invalid",
        ),
        Scenario(
            fault="Connecting to a proxy hangs",
            promise="`APITimeoutError` that names the proxy, at the deadline.",
            listening=Listening.IGNORES,
            query={"deadline": 0.3},
            sees=Raises(
                APITimeoutError, 1, ("connecting to far.localhost through the proxy 127.0.0.1:",)
            ),
            requests=0,
            **FOR_HTTPS,
            **lasts(0.3),
        ),
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
        *(
            Scenario(
                fault=f"A second answer to one request, through a proxy for {scheme}",
                promise="The next call gets its own answer.",
                steps=(on_request(answer() + WRONG),),
                calls=2,
                query={"max_retries": 0},
                sees=Answers(),
                requests=2,
                **settings,
            )
            for scheme, settings in (("`http://`", FOR_HTTP), ("`https://`", FOR_HTTPS))
        ),
        Scenario(
            fault="A proxy that rejects its password",
            promise="`APIConnectionError` that does not show the password.",
            rest=on_tunnel(head("Content-Length: 0", status="407 No"), Close()),
            sees=Raises(
                APIConnectionError, 1, ("the proxy did not connect",), ("secret", "dXNlcjpz")
            ),
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
        Scenario(
            fault="A proxy of an unknown kind",
            promise="`ConfigurationError` that does not show the password.",
            client={"base_url": "http://far.localhost"},
            environment={"HTTP_PROXY": "gopher://user:secret@proxy"},
            sees=Raises(ConfigurationError, range(2), ("proxy",), ("secret",)),
            requests=0,
            not_usable_after="the environment stays invalid",
        ),
        Scenario(
            fault="`ALL_PROXY`, and no other proxy variable",
            promise="The client uses that proxy.",
            client={"base_url": "http://far.localhost"},
            environment={"ALL_PROXY": PROXY},
            sees=Answers(),
            requests=1,
        ),
        Scenario(
            fault="`NO_PROXY` names the host",
            promise="The client asks the host without the proxy.",
            environment={"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"},
            sees=Answers(),
            requests=1,
        ),
        Scenario(
            fault="An address of a proxy without `http://`",
            promise="The client uses the proxy, as if the address began with `http://`.",
            client={"base_url": "http://far.localhost"},
            environment={"HTTP_PROXY": "127.0.0.1:<port>"},
            sees=Answers(),
            requests=1,
        ),
        Scenario(
            fault="Empty proxy variables",
            promise="Empty means unset, so the client uses no proxy.",
            environment=dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY"), ""),
            sees=Answers(),
            requests=1,
        ),
    ),
)
