"""Checks the installation and the key."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

from .._settings import API_KEY_VARIABLE
from .._version import __version__
from .api_key import APIKeyError, find_key
from .findings import Finding

_PACKAGE: Final = "vectorcache-python"
_KEY_FORM: Final = r"vc_[0-9a-f]{32}"
_EXTRA: Final = re.compile(r"""^([A-Za-z0-9._-]+).*;.*extra\s*==\s*['"]([a-z0-9-]+)['"]""")


def check_versions() -> Iterator[Finding]:
    """Returns which versions and which extras are installed."""
    yield Finding(
        "versions",
        "ok",
        f"vectorcache {__version__}, Python {platform.python_version()}, "
        f"httpx {version('httpx')}, {platform.system()}",
    )
    extras = _missing_of_extras()
    complete = sorted(name for name, missing in extras.items() if not missing)
    lacking = sorted(name for name, missing in extras.items() if missing)
    text = f"installed: {', '.join(complete) or 'none'}"
    if lacking:
        text += f"; not installed: {', '.join(lacking)}"
    yield Finding("extras", "ok", text)


def _missing_of_extras() -> dict[str, list[str]]:
    """Returns, for each extra, its packages that are not installed."""
    missing: dict[str, list[str]] = {}
    for requirement in requires(_PACKAGE) or ():
        found = _EXTRA.match(requirement)
        if found is None:
            continue
        packages = missing.setdefault(found[2], [])
        try:
            version(found[1])
        except PackageNotFoundError:
            packages.append(found[1])
    return missing


def check_key(*, query_follows: bool) -> Finding:
    """Checks that there is a key, and its form. The key is never shown.

    Args:
        query_follows: whether a test query will show if the service accepts the key.
    """
    try:
        key = find_key()
    except APIKeyError as error:
        return Finding(
            "key",
            "failed",
            str(error),
            f"set {API_KEY_VARIABLE} to the key from the dashboard of your project, and to nothing "
            "else",
        )
    if key.fits(_KEY_FORM):
        return Finding("key", "ok", "there is one, of the right form")
    return Finding(
        "key",
        "warning",
        "there is one, but not of the usual form: vc_ and 32 hexadecimal digits, 0 to 9 and a to f",
        "copy it from the dashboard again, "
        + (
            "unless the test query below succeeds"
            if query_follows
            else "or run vectorcache doctor without --no-query to try it"
        ),
    )
