"""Sends a request through the user's own httpx client.

The headers, cookies, parameters, auth and event hooks of that client apply, as in any of its
requests. If both set a header, that of the request is sent, above all the key.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Final

import httpx

from .._logging import logger
from ..errors import ConfigurationError

# The request sets these headers itself; other values would break it.
_NOT_HONOURED: Final = frozenset(
    {"content-encoding", "content-length", "host", "transfer-encoding"}
)
# These headers no longer describe a body that a hook or an auth has read and unpacked.
_OF_THE_WIRE: Final = ("content-encoding", "content-length", "transfer-encoding")

_CONSUMED: Final = (
    "a response hook of http_client consumed the answer: let it call response.read() or, in an "
    "AsyncClient, await response.aread()"
)


class OwnClient(httpx.BaseTransport):
    """Sends through an ``httpx.Client``, which the user closes.

    Raises:
        ConfigurationError: the client sets a header that cannot be sent.
    """

    def __init__(self, client: httpx.Client) -> None:
        _check_headers(client)
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        merged = _merged(self._client, request)
        auth = _WithKey(self._client.auth, merged)
        try:
            response = self._client.send(merged, stream=True, auth=auth, follow_redirects=False)
        except BaseException:
            auth.forget_key()
            raise
        readable = _readable(response)
        if readable is None:
            response.close()
            raise ConfigurationError(_CONSUMED)
        return readable


class AsyncOwnClient(httpx.AsyncBaseTransport):
    """Sends through an ``httpx.AsyncClient``, which the user closes.

    Raises:
        ConfigurationError: the client sets a header that cannot be sent.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        _check_headers(client)
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        merged = _merged(self._client, request)
        auth = _WithKey(self._client.auth, merged)
        try:
            response = await self._client.send(
                merged, stream=True, auth=auth, follow_redirects=False
            )
        except BaseException:
            auth.forget_key()
            raise
        readable = _readable(response)
        if readable is None:
            await response.aclose()
            raise ConfigurationError(_CONSUMED)
        return readable


class _WithKey(httpx.Auth):
    """Applies the auth of the user's client to a request, but lets it not replace the key.

    Args:
        auth: the auth of the client; with None, ``.netrc`` is not read either.
        request: the request to send.
    """

    def __init__(self, auth: httpx.Auth | None, request: httpx.Request) -> None:
        self._auth = auth or httpx.Auth()
        self._origin = _origin(request.url)
        self._requests = [request]
        self._sent: object = None

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        authorization = _hidden(request)
        flow = self._auth.sync_auth_flow(request)
        try:
            wanted = next(flow)
            while self._is_new(wanted, authorization):
                wanted = flow.send((yield wanted))
        except StopIteration:
            pass
        finally:
            flow.close()

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        authorization = _hidden(request)
        flow = self._auth.async_auth_flow(request)
        try:
            wanted = await anext(flow)
            while self._is_new(wanted, authorization):
                wanted = await flow.asend((yield wanted))
        except StopAsyncIteration:
            pass
        finally:
            await flow.aclose()

    def _is_new(self, wanted: httpx.Request, authorization: httpx.Headers) -> bool:
        """Restores the key in a request; returns whether it differs from the last one.

        An auth may also ask other servers, for example for a token. They must not get the key. An
        auth that answers a challenge only by ``Authorization`` would send the same request again.
        """
        self._requests.append(wanted)
        if _origin(wanted.url) != self._origin:
            return True
        if wanted.headers.get("authorization") != authorization["authorization"]:
            logger.debug("the auth of http_client sets Authorization: the API key is sent instead")
            wanted.headers.update(authorization)
        saying = (wanted.method, wanted.url, wanted.headers.copy())
        is_new = saying != self._sent
        self._sent = saying
        return is_new

    def forget_key(self) -> None:
        """Takes the key out of the requests, which an exception may hold."""
        self._sent = None
        for request in self._requests:
            request.headers.pop("Authorization", None)


def _hidden(request: httpx.Request) -> httpx.Headers:
    # A traceback that shows variables prints httpx.Headers without their secrets.
    return httpx.Headers({"Authorization": request.headers["Authorization"]})


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _check_headers(client: httpx.Client | httpx.AsyncClient) -> None:
    for name in client.headers:
        if name.lower() in _NOT_HONOURED:
            raise ConfigurationError(
                f"http_client sets the header {name}, which the request sets itself: remove it"
            )


def _merged(client: httpx.Client | httpx.AsyncClient, request: httpx.Request) -> httpx.Request:
    if client.is_closed:
        raise ConfigurationError("http_client is closed: pass an open one")
    merged = client.build_request(
        request.method,
        request.url,
        content=request.content,
        headers=request.headers,
        extensions=request.extensions,
    )
    merged.stream = request.stream
    return merged


def _readable(response: httpx.Response) -> httpx.Response | None:
    """Returns ``response`` with a readable body, even if a hook has read it; None if it is lost."""
    if not response.is_stream_consumed:
        return response
    try:
        content = response.content
    except httpx.ResponseNotRead:
        return None
    headers = response.headers.copy()
    for name in _OF_THE_WIRE:
        headers.pop(name, None)
    return httpx.Response(
        response.status_code, headers=headers, content=content, extensions=response.extensions
    )


def wrong_client(given: object, wanted: str) -> ConfigurationError:
    """Returns the error for an ``http_client`` of a wrong type, such as one of httpx2."""
    kind = type(given)
    library = kind.__module__.partition(".")[0]
    name = kind.__name__ if library == "builtins" else f"{library}.{kind.__name__}"
    return ConfigurationError(
        f"http_client is of type {name}: pass an {wanted}, or a transport of httpx"
    )
