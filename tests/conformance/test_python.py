"""The cases for the wrapper (sync and async) and for the generated client alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from clients import KEY, AnyClient, MakeClient
from conformance.cases import Embedded, Json, Scripted, embedded, scripted
from conformance.outcome import Seen, differences
from conformance.service import ConformanceService, embedded_service

import vectorcache
from vectorcache import VectorcacheError
from vectorcache_api import AuthenticatedClient
from vectorcache_api.api.cache.query_cache import sync_detailed
from vectorcache_api.models import ApiError, QueryRequest, QueryResponse

KINDS: dict[str, type[VectorcacheError]] = {
    "invalid-request": vectorcache.InvalidRequestError,
    "connection": vectorcache.APIConnectionError,
    "unusable-answer": vectorcache.APIResponseError,
    "status": vectorcache.APIStatusError,
    "bad-request": vectorcache.BadRequestError,
    "authentication": vectorcache.AuthenticationError,
    "permission": vectorcache.PermissionDeniedError,
    "not-found": vectorcache.NotFoundError,
    "not-cacheable": vectorcache.NotCacheableError,
    "rate-limit": vectorcache.RateLimitError,
    "quota": vectorcache.QuotaExceededError,
    "internal": vectorcache.InternalServerError,
    "llm-provider": vectorcache.LLMProviderError,
    "unavailable": vectorcache.ServiceUnavailableError,
}


def named(case: Scripted | Embedded) -> str:
    return case.name


@pytest.fixture(scope="session")
def service() -> Iterator[ConformanceService]:
    """The service that sends the answers of the cases."""
    with ConformanceService(scripted("wrapper") + scripted("python")) as running:
        yield running


@pytest.fixture(scope="session")
def embedded_url() -> Iterator[Callable[[str], str]]:
    """The embedded service, with its own empty cache for each client."""
    urls: dict[str, str] = {}
    with ExitStack() as stack:

        def url_for(client: str) -> str:
            if client not in urls:
                urls[client] = stack.enter_context(embedded_service())
            return urls[client]

        yield url_for


def wrapper_sees(client: AnyClient, request: Json) -> Seen:
    try:
        result = client.query(**request)
    except VectorcacheError as error:
        (kind,) = (kind for kind, its_class in KINDS.items() if its_class is type(error))
        failure = {"kind": kind, "status": error.status_code, "body": error.body}
        return Seen(failure=failure | {"retry_after": error.retry_after})
    return Seen(result=result.to_dict(), headers=result.meta.headers)


def generated_sees(url: str, request: Json) -> Seen:
    try:
        with AuthenticatedClient(base_url=url, token=KEY) as client:
            response = sync_detailed(client=client, body=QueryRequest(**request))
    except httpx.TransportError:
        return Seen(failure={"kind": "connection"})
    except (AttributeError, KeyError, TypeError, ValueError):
        return Seen(failure={"kind": "unusable-answer"})
    match response.parsed:
        case QueryResponse() as answer:
            return Seen(result=answer.to_dict(), headers=response.headers)
        case ApiError() as error:
            failure = {"status": response.status_code.value, "body": error.to_dict()}
        case _:
            failure = {"status": response.status_code.value}
    return Seen(failure=failure, headers=response.headers)


@pytest.mark.parametrize("case", scripted("wrapper"), ids=named)
def test_wrapper(make_client: MakeClient, service: ConformanceService, case: Scripted) -> None:
    """The wrapper sends, reads, fails and retries as every wrapper of the service must."""
    run = uuid.uuid4().hex
    client = make_client(base_url=service.address(run, case), max_retries=case.max_retries)
    assert differences(case.outcome, wrapper_sees(client, case.request)) == []
    assert service.problems(run, case) == []


@pytest.mark.parametrize("case", scripted("python"), ids=named)
def test_generated(service: ConformanceService, case: Scripted) -> None:
    """The generated client, used without the wrapper, sends and reads what the description says."""
    run = uuid.uuid4().hex
    seen = generated_sees(service.address(run, case), case.request)
    assert differences(case.outcome, seen) == []
    assert service.problems(run, case) == []


@pytest.mark.parametrize("case", embedded("wrapper"), ids=named)
def test_wrapper_with_the_embedded_service(
    make_client: MakeClient,
    embedded_url: Callable[[str], str],
    case: Embedded,
    request: pytest.FixtureRequest,
) -> None:
    """Over a socket the embedded service answers the wrapper as the hosted one does."""
    kind = request.node.callspec.params["make_client"]
    client = make_client(base_url=embedded_url(kind))
    for call in case.calls:
        assert differences(call["outcome"], wrapper_sees(client, call["request"])) == []


@pytest.mark.parametrize("case", embedded("python"), ids=named)
def test_generated_with_the_embedded_service(
    embedded_url: Callable[[str], str], case: Embedded
) -> None:
    """The embedded service answers the generated client as the hosted one does."""
    for call in case.calls:
        seen = generated_sees(embedded_url("generated"), call["request"])
        assert differences(call["outcome"], seen) == []
