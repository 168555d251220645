"""An application with a client of its own, which it uses when it is imported."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from vectorcache import VectorcacheClient

client = VectorcacheClient(max_connections=5)
WARM = client.query("from the master", "m").response


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers with the process, and with what the service says to the query string."""
    answer = client.query(environ["QUERY_STRING"], "m", deadline=20).response
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {answer}".encode()]
