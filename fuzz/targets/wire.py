"""Makes a call to a server that sends any bytes, which httpx, httpcore and h11 read.

The input is the answer, with a ``|`` at the end of each piece that one read returns.
"""

from __future__ import annotations

import httpcore
import httpx

from targets.promises import TEXT, check_error
from vectorcache import RetryPolicy, VectorcacheClient, VectorcacheError

_POLICY = RetryPolicy(
    transient_backoff=0, throttled_backoff=0, uncertain_delay=0, max_retry_after=0, quota=0
)


class _Connected(httpx.HTTPTransport):
    """A transport of httpx with a connection in memory."""

    def __init__(self, reads: list[bytes]) -> None:
        self._pool = httpcore.ConnectionPool(network_backend=httpcore.MockBackend(reads))


def check(data: bytes) -> None:
    transport = _Connected(data.split(b"|"))
    with VectorcacheClient(
        TEXT,
        "http://localhost",
        http_client=transport,
        retry=_POLICY,
        deadline=None,
        timeout=None,
        max_retries=0,
        max_response_bytes=50_000,
    ) as client:
        try:
            result = client.query("Q", "m")
        except VectorcacheError as error:
            check_error(error)
        else:
            assert isinstance(result.cache_hit, bool)
