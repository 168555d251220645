"""Checks arguments: those of a client and those of a query have the same rules.

Each check returns the value as it is used, or raises the class of error that it is given:
``ConfigurationError`` for a client, ``InvalidRequestError`` for a query. The limits are those of
openapi.yaml.
"""

from __future__ import annotations

import contextlib
import ipaddress
import math
import operator
import re
from collections.abc import Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, cast

import httpx

from ._secret import QUOTATION_MARKS
from .errors import VectorcacheError

MAX_PROMPT_CHARACTERS = 32_000
_URL_EXAMPLE = "https://api.vectorcache.com"

# RFC 9110, 5.6.2 (token) and 5.5 (field values), without the characters that are obsolete there.
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_VALUE = r"[\t\x20-\x7e]*"

# The client sets these headers itself: another value would break the request or replace the key.
_RESERVED_HEADERS = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
    }
)

Refusal = type[VectorcacheError]


def check_prompt(value: object, refuse: Refusal) -> str:
    if not isinstance(value, str):
        raise refuse(f"prompt is {_kind(value)}: pass the text as a str")
    if not value.strip():
        raise refuse("prompt is empty: pass the text of a question")
    if len(value) > MAX_PROMPT_CHARACTERS:
        raise refuse(
            f"prompt has {len(value):,} characters and the service takes at most "
            f"{MAX_PROMPT_CHARACTERS:,}: shorten it, or call the LLM directly"
        )
    return _encodable("prompt", value, refuse)


def check_model(value: object, refuse: Refusal) -> str:
    if not isinstance(value, str):
        raise refuse(f"model is {_kind(value)}: name one such as 'gpt-4o', or set it on the client")
    if not value.strip():
        raise refuse("model is blank: pass a name such as 'gpt-4o'")
    return _encodable("model", value, refuse)


def check_context(value: object, refuse: Refusal) -> str:
    if not isinstance(value, str):
        raise refuse(f"context is {_kind(value)}: pass a str, or None for none")
    return _encodable("context", value, refuse)


def check_threshold(value: object, refuse: Refusal) -> float:
    number = real_number(value)
    if number is None:
        raise refuse(f"similarity_threshold is {_kind(value)}: pass a number from 0 to 1")
    if not 0 <= number <= 1:
        raise refuse(f"similarity_threshold is {value}: pass a number from 0 to 1")
    return number


def check_flag(name: str, value: object, refuse: Refusal) -> bool:
    if not isinstance(value, bool):
        raise refuse(f"{name} is {_kind(value)}: pass True or False")
    return value


def check_seconds(name: str, value: object, refuse: Refusal) -> float | None:
    if value is None:
        return None
    number = real_number(value)
    if number is None:
        raise refuse(f"{name} is {_kind(value)}: pass seconds, or None for no limit")
    # The clocks of the system cannot measure more than some hundred years.
    if not 0 < number <= 1e9:
        raise refuse(
            f"{name} is {str(value)[:20]}: pass seconds above 0 and up to 1e9, or None for no limit"
        )
    return number


def check_timeout(value: object, refuse: Refusal) -> float | httpx.Timeout | None:
    if isinstance(value, httpx.Timeout):
        return httpx.Timeout(
            **{
                name: check_seconds(f"timeout.{name}", seconds, refuse)
                for name, seconds in value.as_dict().items()
            }
        )
    return check_seconds("timeout", value, refuse)


def check_count(name: str, value: object, refuse: Refusal, *, least: int) -> int:
    number = whole_number(value)
    if number is None:
        raise refuse(f"{name} is {_kind(value)}: pass a whole number of at least {least}")
    if number < least:
        raise refuse(f"{name} is {value}: pass a whole number of at least {least}")
    return number


def check_headers(name: str, value: object, refuse: Refusal) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise refuse(f"{name} is {_kind(value)}: pass a mapping from header names to values")
    headers = {}
    for header, text in value.items():
        if not (isinstance(header, str) and re.fullmatch(_HEADER_NAME, header)):
            raise refuse(f"{name} has the name {header!r}, which is not valid in HTTP")
        if header.lower() in _RESERVED_HEADERS:
            raise refuse(f"{name} sets {header}: the client sets that header itself, so remove it")
        # Headers often carry secrets, so the message does not show the value.
        if not (isinstance(text, str) and re.fullmatch(_HEADER_VALUE, text)):
            raise refuse(f"{name}[{header!r}] must be printable ASCII text on one line")
        headers[header.lower()] = text
    return headers


def check_url(name: str, value: object, refuse: Refusal) -> str:
    """Returns the URL of a service without a final slash."""
    if isinstance(value, str) and (value[:1] in QUOTATION_MARKS or value[-1:] in QUOTATION_MARKS):
        raise refuse(
            f"{name} is in quotation marks, which are not a part of the URL: remove them (docker "
            "run --env-file keeps the quotation marks of its file)"
        )
    url = None
    with contextlib.suppress(httpx.InvalidURL, TypeError):
        url = httpx.URL(cast(str, value))
    # Raised outside of the handler, as httpx's frames hold the URL, which may hold a password.
    if url is None:
        raise refuse(f"{name} is not a valid URL: pass one such as {_URL_EXAMPLE}")
    if url.userinfo:
        # The message does not show the URL, as it holds a password.
        raise refuse(f"{name} holds a user name or password: remove it, and pass api_key= instead")
    if url.scheme not in ("https", "http") or not url.host:
        # A text with "@" may hold a password even where it is not parsed as one.
        shown = "of another form" if "@" in str(value) else repr(value)
        raise refuse(f"{name} is {shown}: pass a URL such as {_URL_EXAMPLE}")
    if url.port is not None and not 0 < url.port < 65_536:
        raise refuse(f"{name} is {value!r}: use a port from 1 to 65,535")
    if url.query or url.fragment:
        raise refuse(f"{name} is {value!r}: remove what follows the path (from ? or # on)")
    return str(url).rstrip("/")


def refuse_plain_http(name: str, url: str, allowed: bool, refuse: Refusal) -> None:
    """Raises ``refuse`` for an ``http://`` URL of another machine, unless that is allowed."""
    parsed = httpx.URL(url)
    if parsed.scheme == "http" and not (allowed or _is_loopback(parsed.host)):
        raise refuse(
            f"{name} is {url!r}: everyone on the network can read a key that is sent over http://; "
            "use https://, or pass allow_insecure_http=True inside a network that you trust"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _encodable(name: str, value: str, refuse: Refusal) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise refuse(
            f"{name} has half of a surrogate pair at character {error.start:,}, which is "
            f"not valid text: decode it with errors='replace'"
        ) from None
    return value


def _kind(value: object) -> str:
    return "missing" if value is None else f"of type {type(value).__name__}"


def real_number(value: object) -> float | None:
    """Returns a real number as a float, and None for anything else.

    Booleans and texts do not count as numbers. NaN and infinity are returned unchanged.
    """
    if isinstance(value, Integral):
        value = whole_number(value)
    # Decimal is not registered as a kind of number, because it cannot be added to a float.
    if not isinstance(value, Real | Decimal):
        return None
    try:
        return float(value)
    except OverflowError:
        return -math.inf if cast(Any, value) < 0 else math.inf
    except ValueError:  # A signalling NaN.
        return math.nan


def whole_number(value: object) -> int | None:
    """Returns an integer of any kind as an int, and None for anything else."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        return None
    try:
        return operator.index(value)
    except TypeError:  # NumPy's timedelta64 is registered as an integer, but has a unit.
        return None


def as_float(value: float) -> float:
    """Returns a number of any kind as a float, and anything else unchanged."""
    number = real_number(value)
    return value if number is None else number


def as_int(value: int) -> int:
    """Returns an integer of any kind as an int, and anything else unchanged."""
    number = whole_number(value)
    return value if number is None else number
