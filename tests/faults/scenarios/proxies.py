"""Proxies, and connections to them."""

from __future__ import annotations

from typing import Any

from faults.behaviour import Close, Stall, answer, on_request
from faults.scenario import HTTPS, Answers, Raises, Scenario, lasts
from faults.scenarios.reuse import NOT_COUNTED, WRONG
from faults.server import Listening

from vectorcache import APIConnectionError, APIStatusError, APITimeoutError, LLMProviderError

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

PROXIES: tuple[Scenario, ...] = (
    Scenario(
        fault="A proxy for `http://`",
        promise="The client asks the proxy, which passes the answer on.",
        sees=Answers(),
        requests=1,
        **FOR_HTTP,
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
)
