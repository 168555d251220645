"""Checks the Host header, so that a page in a browser cannot read a cache on loopback.

With DNS rebinding, a page of evil.example gives its own name the address 127.0.0.1, and the browser
then lets it read what a server there answers. Such a request still carries ``Host: evil.example``.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

_HOST = re.compile(r"(?:\[([^\]]+)\]|([^:]+))(?::\d*)?")


class AllowedHosts:
    """Further names by which clients may call a server on loopback.

    Args:
        names: further names, without a port; ``*`` allows every name.

    Raises:
        TypeError: ``names`` is one string, or holds something else than strings.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        listed = [names] if isinstance(names, str | bytes) else list(names)
        if isinstance(names, str | bytes) or not all(isinstance(name, str) for name in listed):
            raise TypeError("allowed_hosts must be a list of names such as ['cache.example.com']")
        self._names = {_name_of(name) for name in listed}

    def refusal(self, address: str | None, host: str | None) -> str | None:
        """Returns why a request is refused; None if it is answered.

        Args:
            address: where the request arrived; a request that did not arrive on loopback is
                answered, whatever its Host header.
            host: the Host header. Browsers always send one.
        """
        if host is None or not _is_loopback(address) or "*" in self._names:
            return None
        name = _name_of(host)
        if name == "localhost" or name.endswith(".localhost") or _is_loopback(name):
            return None
        if name in self._names:
            return None
        return (
            f"the Host header names {name[:100]!r}, which is not this machine: call it as "
            "localhost or 127.0.0.1, or allow the name with allowed_hosts (vectorcache serve "
            "--allowed-host)"
        )


def _name_of(host: str) -> str:
    found = _HOST.fullmatch(host.strip())
    name = (found[1] or found[2]) if found else host
    return name.lower().rstrip(".")


def _is_loopback(address: str | None) -> bool:
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return False
    # This is an IPv4 connection to a socket that also listens on IPv6.
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return (mapped or parsed).is_loopback
