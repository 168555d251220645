"""Checks the way to the service: proxy, name, encryption, clock."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from .._transport.proxies import environment_proxy
from .._transport.transports import Network
from ..errors import ConfigurationError
from .answers import seconds
from .findings import Finding

_TIMEOUT: Final = 10.0
_DAYS_TO_RENEW: Final = 14
# With a clock this many seconds off, certificates and times from the service are misjudged.
_CLOCK_WARNING: Final = 30.0
_CLOCK_FAILURE: Final = 300.0


def check_network(url: httpx.URL) -> Iterator[Finding]:
    """Yields what is found on the way to ``url``, up to the first failure."""
    proxy = environment_proxy(url)
    if proxy is not None:
        found = _check_proxy(url, proxy)
        yield found
        if found.verdict == "failed":
            return
        yield Finding("dns", "skipped", "the proxy looks the name up")
        yield Finding("tls", "skipped", "it goes through the proxy")
    else:
        yield Finding("proxy", "ok", "none: the environment names none for this host")
        found = _check_name(url)
        yield found
        if found.verdict == "failed":
            return
        found = _check_connection(url)
        yield found
        if found.verdict == "failed":
            return
    yield _check_clock(url)


def _check_proxy(url: httpx.URL, proxy: str) -> Finding:
    try:
        Network(str(url)).transport(httpx.HTTPTransport).close()
    except ConfigurationError as error:
        return Finding("proxy", "failed", str(error), "correct what the message names")
    where = httpx.URL(proxy)
    # The user and the password are left out.
    return Finding("proxy", "ok", f"the environment names {where.scheme}://{where.netloc.decode()}")


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _check_name(url: httpx.URL) -> Finding:
    started = time.perf_counter()
    try:
        found = socket.getaddrinfo(url.host, _port(url), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return Finding(
            "dns",
            "failed",
            f"{url.host} is not found: {error}",
            "check the host name in --base-url or VECTORCACHE_BASE_URL, and this machine's "
            "resolver",
        )
    addresses = sorted({str(address[0]) for *_, address in found})
    took = seconds(time.perf_counter() - started)
    return Finding("dns", "ok", f"{url.host} is at {', '.join(addresses[:4])} ({took})")


def _check_connection(url: httpx.URL) -> Finding:
    check = "tls" if url.scheme == "https" else "connection"
    try:
        trusted = httpx.create_ssl_context()
    except OSError as error:
        return Finding(
            "tls",
            "failed",
            f"the certificates that this machine trusts cannot be read: {error}",
            "correct or unset SSL_CERT_FILE and SSL_CERT_DIR",
        )
    try:
        with socket.create_connection((url.host, _port(url)), _TIMEOUT) as connection:
            if url.scheme == "https":
                return _check_tls(url.host, connection, trusted)
    except ssl.SSLCertVerificationError as error:
        return Finding(
            check,
            "failed",
            f"the certificate of {url.host} is not valid here: {error.verify_message}",
            "check this machine's clock, and the certificates it trusts: behind a proxy that "
            "reads along, SSL_CERT_FILE must name that proxy's certificate",
        )
    except ssl.SSLError as error:
        return Finding(
            check,
            "failed",
            f"TLS failed: {error.reason or error}",
            "check that this port speaks https:// and not http://",
        )
    except OSError as error:
        return Finding(
            check,
            "failed",
            f"no connection to {url.host}, port {_port(url)}: {error.strerror or error}",
            "check the network, a firewall, and the port in --base-url or VECTORCACHE_BASE_URL",
        )
    return Finding(check, "ok", f"port {_port(url)} is open; nothing is encrypted over http://")


def _check_tls(host: str, connection: socket.socket, trusted: ssl.SSLContext) -> Finding:
    with trusted.wrap_socket(connection, server_hostname=host) as tls:
        certificate = tls.getpeercert() or {}
        protocol = tls.version()
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = int((ends - time.time()) // 86_400)
    text = f"{protocol}, the certificate is valid for {days:,} days more"
    if days < _DAYS_TO_RENEW:
        return Finding("tls", "warning", text, f"the operator of {host} must renew it")
    return Finding("tls", "ok", text)


def _check_clock(url: httpx.URL) -> Finding:
    transport = Network(str(url)).transport(httpx.HTTPTransport)
    try:
        with httpx.Client(transport=transport, timeout=_TIMEOUT, trust_env=False) as client:
            # The request has no key and costs nothing; any answer is enough.
            before = time.time()
            answer = client.head(url)
            after = time.time()
    except httpx.HTTPError as error:
        return Finding(
            "clock",
            "failed",
            f"{url.host} does not answer: {type(error).__name__}: {error}",
            "check that --base-url leads to Vectorcache, and the proxy variables if there are any",
        )
    try:
        there = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return Finding("clock", "skipped", f"{url.host} does not say what time it has")
    # The header has whole seconds, rounded down.
    off = max(before - (there + 1), there - after, 0)
    text = f"within {off + 1:.0f} s of the service's"
    fix = "set this machine's clock, best by NTP (timedatectl set-ntp true)"
    if off < _CLOCK_WARNING:
        return Finding("clock", "ok", text)
    direction = "ahead of" if before > there else "behind"
    text = f"{off:,.0f} s {direction} the service's"
    return Finding("clock", "failed" if off >= _CLOCK_FAILURE else "warning", text, fix)
