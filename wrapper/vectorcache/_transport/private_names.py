"""The only place that uses private names of httpcore and anyio.

- ``_pool``, ``_connection`` and ``_h11_state`` lead from an httpx transport to the bytes that
  httpcore has read beyond an answer. httpcore shows them nowhere else, and takes them for the
  answer to the next request.
- ``anyio._backends._asyncio`` is loaded early, so that a forked process finds it loaded.

``tests/transport/test_private_names.py`` fails when one of the names no longer exists.
"""

from __future__ import annotations

import contextlib
import ssl
from importlib import import_module
from typing import Any

import httpx

_ASYNCIO_BACKEND = "anyio._backends._asyncio"


def load_asyncio_backend() -> None:
    """Loads the module that anyio loads itself at its first use under asyncio."""
    # If a later anyio has another name for it, the first call loads it.
    with contextlib.suppress(ImportError):
        import_module(_ASYNCIO_BACKEND)


def holds_more(transport: Any, response: httpx.Response) -> bool:
    """Returns whether the connection has received more than the answer.

    A transport that is not httpx's own has none of the names: then the answer is False.

    Args:
        transport: the transport of one connection, which has read the whole of ``response``.
        response: the answer.
    """
    connection = next(iter(getattr(getattr(transport, "_pool", None), "connections", ())), None)
    while connection is not None:
        state = getattr(connection, "_h11_state", None)
        if state is not None:
            return bool(state.trailing_data[0]) or _tls_holds_more(response)
        connection = getattr(connection, "_connection", None)
    return False


def _tls_holds_more(response: httpx.Response) -> bool:
    tls = response.extensions["network_stream"].get_extra_info("ssl_object")
    if not isinstance(tls, ssl.SSLObject):
        return False  # What a socket has received makes it readable, which httpcore checks.
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        pass
    return True
