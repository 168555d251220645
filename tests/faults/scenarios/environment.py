"""Settings of the environment: the key, the address, certificates."""

from __future__ import annotations

from typing import Any

from clients import KEY
from faults.behaviour import Close, head, on_tunnel
from faults.scenario import HTTPS, Answers, Group, Outcome, Raises, Scenario
from faults.scenarios.proxies import PROXY

from vectorcache import APIConnectionError, ConfigurationError


def without_key_or_address(
    fault: str, promise: str, environment: dict[str, str], client: dict[str, Any], sees: Outcome
) -> Scenario:
    return Scenario(
        fault=fault,
        promise=promise,
        environment=environment,
        client=client,
        sees=sees,
        requests=1 if isinstance(sees, Answers) else 0,
        not_usable_after="" if isinstance(sees, Answers) else "no client was made",
    )


ELSEWHERE = "http://127.0.0.1:9"
NO_KEY = Raises(ConfigurationError, 0, ("no API key", "VECTORCACHE_API_KEY"))

GROUP = Group(
    "Environment",
    (
        Scenario(
            fault="`.netrc` has a password for the host",
            promise="The client does not read `.netrc`; it sends the key and no password.",
            environment={"NETRC": "<folder>/netrc"},
            files={"netrc": "machine 127.0.0.1 login other password secret\n"},
            sees=Answers(),
            requests=1,
        ),
        without_key_or_address(
            "Key and address in the environment",
            "The client uses both.",
            {"VECTORCACHE_API_KEY": KEY, "VECTORCACHE_BASE_URL": PROXY},
            {"api_key": None, "base_url": None},
            Answers(),
        ),
        without_key_or_address(
            "Key and address differ between the environment and the arguments",
            "The arguments take precedence over the environment.",
            {"VECTORCACHE_API_KEY": "another", "VECTORCACHE_BASE_URL": ELSEWHERE},
            {},
            Answers(),
        ),
        without_key_or_address(
            "Empty arguments, and values in the environment",
            "Empty means unset, so the client uses the environment.",
            {"VECTORCACHE_API_KEY": KEY, "VECTORCACHE_BASE_URL": PROXY},
            {"api_key": "", "base_url": ""},
            Answers(),
        ),
        without_key_or_address(
            "An empty key in the environment",
            "Empty means unset, so `ConfigurationError` names the variable.",
            {"VECTORCACHE_API_KEY": ""},
            {"api_key": None},
            NO_KEY,
        ),
        without_key_or_address(
            "No key anywhere",
            "`ConfigurationError` that names the variable.",
            {},
            {"api_key": None},
            NO_KEY,
        ),
        without_key_or_address(
            "A key with a line end in the environment",
            "`ConfigurationError` that names the variable and does not show the key.",
            {"VECTORCACHE_API_KEY": f"{KEY}\n"},
            {"api_key": None},
            Raises(ConfigurationError, 0, ("VECTORCACHE_API_KEY is invalid", "line break")),
        ),
        without_key_or_address(
            "A key in quotation marks in the environment",
            "`ConfigurationError` that names `docker run --env-file`; nothing is sent.",
            {"VECTORCACHE_API_KEY": f"'{KEY}'"},
            {"api_key": None},
            Raises(
                ConfigurationError, 0, ("VECTORCACHE_API_KEY is in quotation", "docker run --env-f")
            ),
        ),
        Scenario(
            fault="An empty address in the environment",
            promise="Empty means unset, so the client asks the hosted service.",
            client={"base_url": None},
            environment={
                "VECTORCACHE_BASE_URL": "",
                "HTTPS_PROXY": PROXY,
            },
            rest=on_tunnel(head("Content-Length: 0", status="403 No"), Close()),
            over=HTTPS,
            tls_first=False,
            sees=Raises(APIConnectionError, 1, ("did not connect to api.vectorcache.com",)),
            requests=0,
            not_usable_after="it asks the hosted service",
        ),
        Scenario(
            fault="`SSL_CERT_FILE` names a file that does not exist",
            promise="`ConfigurationError` that names the variable.",
            environment={"SSL_CERT_FILE": "<folder>/none.pem"},
            over=HTTPS,
            sees=Raises(ConfigurationError, range(2), ("SSL_CERT_FILE",)),
            requests=0,
            not_usable_after="the environment stays invalid",
        ),
        Scenario(
            fault="`SSL_CERT_FILE` names a file without certificates",
            promise="`ConfigurationError` that names the variable.",
            environment={"SSL_CERT_FILE": "<folder>/empty.pem"},
            files={"empty.pem": "nothing to see\n"},
            over=HTTPS,
            sees=Raises(ConfigurationError, range(2), ("SSL_CERT_FILE",)),
            requests=0,
            not_usable_after="the environment stays invalid",
        ),
    ),
)
