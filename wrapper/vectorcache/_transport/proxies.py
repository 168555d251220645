"""Finds the proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for a URL."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import urllib.request
from typing import TypeAlias

import httpx

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_DEFAULT_PORTS = {"http": 80, "https": 443}

_BRACKETED = re.compile(r"\[([^\]]*)\](/[0-9]+)?")
# scheme://, a host or [IPv6 address], :port
_ENTRY = re.compile(r"(?:([a-z][a-z0-9+.-]*)://)?(?:\[([^\]]*)\]|([^:/]*))(?::([0-9]+))?/?")


def environment_proxy(url: httpx.URL) -> str | None:
    """Returns the proxy that the environment names for ``url``; None for a direct connection."""
    proxies = urllib.request.getproxies()
    proxy = (proxies.get(url.scheme) or proxies.get("all") or "").strip()
    if not proxy or bypasses(proxies.get("no", ""), url):
        return None
    # The system settings of macOS and Windows have their own exceptions, which only urllib reads.
    if urllib.request.proxy_bypass(url.netloc.decode()):
        return None
    scheme, separator, rest = proxy.partition("://")
    if not separator:
        return f"http://{proxy}"
    # GNOME writes socks:// for SOCKS 5.
    return f"socks5://{rest}" if scheme.lower() == "socks" else proxy


def bypasses(no_proxy: str, url: httpx.URL) -> bool:
    """Returns whether ``no_proxy``, a value of ``NO_PROXY``, asks for a direct connection.

    The entries are separated by commas or blanks. An entry is ``*``; or a domain, which includes
    all its subdomains, with or without ``.`` or ``*.`` before it; or an IP address, with or without
    brackets; or a range of addresses in CIDR notation. A domain or an address may have a port, and
    a ``*`` inside an entry stands for any characters.
    """
    return any(_covers(entry, url) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _covers(entry: str, url: httpx.URL) -> bool:
    if entry == "*":
        return True
    address = _address(url.host)
    network = _network(entry)
    if network is not None:
        return address is not None and address in network
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return False
    scheme, bracketed, name, port = match.groups()
    if scheme not in (None, "all", url.scheme):
        return False
    if port is not None and int(port) != (url.port or _DEFAULT_PORTS.get(url.scheme)):
        return False
    network = _network(bracketed or name)
    if network is not None:
        return address is not None and address in network
    return not bracketed and _is_within(name, url)


def _is_within(domain: str, url: httpx.URL) -> bool:
    domain = domain.removeprefix("*.").strip(".")
    if not domain:
        return False
    pattern = re.escape(domain).replace(r"\*", ".*")
    # The host is compared as people write it and as it is sent, as it may have non-ASCII letters.
    hosts = (url.host, url.raw_host.decode("ascii"))
    return any(
        re.fullmatch(rf"(?:.*\.)?{pattern}", host.lower().rstrip("."), re.DOTALL) for host in hosts
    )


def _address(host: str) -> _Address | None:
    with contextlib.suppress(ValueError):
        return _plain(ipaddress.ip_address(host))
    return None


def _network(text: str) -> _Network | None:
    """Returns a range of addresses, or one address as a range of one; None for other text."""
    with contextlib.suppress(ValueError):
        network = ipaddress.ip_network(_without_brackets(text), strict=False)
        first = _plain(network.network_address)
        if first.version == network.version:
            return network
        return ipaddress.ip_network((int(first), max(network.prefixlen - 96, 0)), strict=False)
    return None


def _without_brackets(text: str) -> str:
    match = _BRACKETED.fullmatch(text)
    return text if match is None else match[1] + (match[2] or "")


def _plain(address: _Address) -> _Address:
    """Returns an IPv4 address that is written as IPv6 as an IPv4 address, others unchanged."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
