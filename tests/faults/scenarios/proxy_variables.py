"""Environment variables that configure proxies."""

from __future__ import annotations

from faults.scenario import Answers, Raises, Scenario
from faults.scenarios.proxies import PROXY

from vectorcache import ConfigurationError

VARIABLES: tuple[Scenario, ...] = (
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
)
