"""The errors of OpenAI's client: each is an error of openai and of this package."""

from __future__ import annotations

import pickle

import openai
import pytest
from clients import KEY
from llm.openai_clients import QUESTION, client_of
from servers import ScriptedServer, answer, hang_up

import vectorcache


@pytest.mark.parametrize(
    ("status", "theirs", "ours"),
    [
        (400, openai.BadRequestError, vectorcache.BadRequestError),
        (401, openai.AuthenticationError, vectorcache.AuthenticationError),
        (403, openai.PermissionDeniedError, vectorcache.PermissionDeniedError),
        (404, openai.NotFoundError, vectorcache.NotFoundError),
        (409, openai.APIStatusError, vectorcache.APIStatusError),
        (422, openai.UnprocessableEntityError, vectorcache.NotCacheableError),
        (429, openai.RateLimitError, vectorcache.RateLimitError),
        (500, openai.InternalServerError, vectorcache.InternalServerError),
        (502, openai.InternalServerError, vectorcache.LLMProviderError),
        (503, openai.InternalServerError, vectorcache.ServiceUnavailableError),
    ],
)
def test_combined_errors(
    server: ScriptedServer,
    status: int,
    theirs: type[openai.APIStatusError],
    ours: type[vectorcache.APIStatusError],
) -> None:
    """An error has the attributes of both packages' errors, also after pickling."""
    server.default = answer(
        {"detail": "because"},
        status=status,
        headers={"X-Request-ID": "r-7", "Retry-After": "3"},
    )
    with client_of(server, max_retries=0) as client, pytest.raises(theirs) as caught:
        client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    error = caught.value
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert isinstance(each, theirs)
        assert isinstance(each, ours)
        assert "because" in str(each)
        assert each.message == str(each)
        assert each.status_code == status
        assert each.request_id == "r-7"
        assert each.body == {"detail": "because"}
        assert each.code is None
        assert each.response.status_code == status
        assert each.response.headers["retry-after"] == "3"
        assert each.response.headers["x-request-id"] == "r-7"
        assert each.response.json() == {"detail": "because"}
        assert each.request.url == server.url
        assert each.attempts == 1
        assert each.retry_after == 3
        assert KEY not in str(vars(each))


def test_an_exhausted_quota(server: ScriptedServer) -> None:
    """An exhausted quota has OpenAI's code for it, and the figures of this package."""
    server.default = answer(
        {"detail": "quota", "current_usage": 100, "monthly_limit": 100}, status=429
    )
    with client_of(server) as client, pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    error = caught.value
    assert isinstance(error, vectorcache.QuotaExceededError)
    assert error.code == "insufficient_quota"
    assert error.monthly_limit == 100


def test_no_connection(server: ScriptedServer) -> None:
    """A failed connection is openai's connection error, with its cause."""
    server.default = hang_up
    with (
        client_of(server, max_retries=0) as client,
        pytest.raises(openai.APIConnectionError) as caught,
    ):
        client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert isinstance(caught.value, vectorcache.APIConnectionError)
    assert caught.value.__cause__ is not None
    assert caught.value.request.method == "POST"


def test_an_unusable_answer(server: ScriptedServer) -> None:
    """An answer that breaks the contract is openai's validation error."""
    server.default = answer({"cache_hit": "yes"})
    with (
        client_of(server, max_retries=0) as client,
        pytest.raises(openai.APIResponseValidationError) as caught,
    ):
        client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert isinstance(caught.value, vectorcache.APIResponseError)


def test_an_open_circuit(server: ScriptedServer) -> None:
    """An open circuit is openai's connection error."""
    server.default = answer({"detail": "boom"}, status=500)
    breaker = vectorcache.CircuitBreaker(failures=1)
    with client_of(server, max_retries=0, circuit_breaker=breaker) as client:
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        with pytest.raises(openai.APIConnectionError) as caught:
            client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert isinstance(caught.value, vectorcache.CircuitOpenError)


def test_other_errors_pass(server: ScriptedServer) -> None:
    """An exception of ``before_send`` reaches the caller unchanged."""

    class Mine(vectorcache.InvalidRequestError):
        pass

    def refuse(query: vectorcache.Query) -> vectorcache.Query:
        raise Mine("not today")

    with client_of(server, before_send=refuse) as client, pytest.raises(Mine) as caught:
        client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert type(caught.value) is Mine


def test_an_error_page(server: ScriptedServer) -> None:
    """The error page of a proxy is the text of the error's response."""
    server.default = answer(raw=b"<h1>Go away</h1>", status=403)
    with client_of(server) as client, pytest.raises(openai.PermissionDeniedError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert "Go away" in caught.value.response.text
