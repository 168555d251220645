"""A service without a socket, and a retry policy without waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx

from vectorcache import RetryPolicy

# There are no waits, not even those that an answer asks for, and the quota never runs out.
AT_ONCE = RetryPolicy(
    transient_backoff=0, throttled_backoff=0, uncertain_delay=0, max_retry_after=0, quota=1e8
)


class _Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, chunks: list[bytes], fault: Exception | None) -> None:
        self._chunks = chunks
        self._fault = fault

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._fault is not None:
            raise self._fault

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


class Scripted(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers every request in the same way: an error, or an answer that may be cut off."""

    status = 200
    headers: list[tuple[bytes, bytes]] = []  # noqa: RUF012 - replaced, never changed
    chunks: list[bytes] = []  # noqa: RUF012
    fault: Exception | None = None
    cut: Exception | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.fault is not None:
            raise self.fault
        stream = _Stream(self.chunks, self.cut)
        return httpx.Response(self.status, headers=self.headers, stream=stream)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)
