"""A custom provider of LiteLLM."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import litellm
import pytest
from clients import KEY
from litellm import exceptions
from servers import HIT, ScriptedServer, answer, hang_up

import vectorcache
from vectorcache import ConfigurationError, RetryPolicy, VectorcacheClient
from vectorcache.integrations.litellm import VectorcacheLLM

# LiteLLM warns about its own code when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")

QUESTION = [{"role": "user", "content": "What is machine learning?"}]

Register = Callable[..., VectorcacheLLM]


@pytest.fixture
def register(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    """Registers a handler that asks the server as the provider, as a user does."""
    made: list[VectorcacheLLM] = []

    def make(**options: Any) -> VectorcacheLLM:
        options = {"retry": RetryPolicy.without_waiting(), **options}
        handler = VectorcacheLLM(api_key=KEY, base_url=server.url, **options)
        monkeypatch.setattr(
            litellm,
            "custom_provider_map",
            [{"provider": "vectorcache", "custom_handler": handler}],
        )
        made.append(handler)
        return handler

    yield make
    for handler in made:
        asyncio.run(handler.aclose())


def say_nothing(connection: socket.socket) -> None:
    connection.recv(1)


def complete(**parameters: Any) -> Any:
    return litellm.completion(**{"model": "vectorcache/gpt-4o", "messages": QUESTION, **parameters})


def test_an_answer(register: Register, server: ScriptedServer) -> None:
    """An answer is LiteLLM's own, and the model is the part after the provider's name."""
    register()
    response = complete()
    assert type(response) is litellm.ModelResponse
    assert response.model == "gpt-4o"
    assert response.choices[0].message.content == HIT["response"]
    assert response.choices[0].finish_reason == "stop"
    assert response._hidden_params["vectorcache"]["cost_saved"] == HIT["cost_saved"]
    # LiteLLM's token counts stay zero, as tokens are not counted.
    assert response.model_dump()["usage"]["total_tokens"] == 0
    assert server.requests[0].json()["model"] == "gpt-4o"
    again = complete(
        messages=[*QUESTION, response.choices[0].message, {"role": "user", "content": "Why?"}]
    )
    assert again.choices[0].message.content == HIT["response"]


def test_batches(register: Register, server: ScriptedServer) -> None:
    """LiteLLM's batches are answered like single questions."""
    register()
    answers = litellm.batch_completion("vectorcache/gpt-4o", messages=[QUESTION, QUESTION])
    assert [each.choices[0].message.content for each in answers] == 2 * [HIT["response"]]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "kind", "ours"),
    [
        (400, exceptions.BadRequestError, vectorcache.BadRequestError),
        (401, exceptions.AuthenticationError, vectorcache.AuthenticationError),
        (403, exceptions.PermissionDeniedError, vectorcache.PermissionDeniedError),
        (404, exceptions.NotFoundError, vectorcache.NotFoundError),
        (409, exceptions.APIError, vectorcache.APIStatusError),
        (422, exceptions.UnprocessableEntityError, vectorcache.NotCacheableError),
        (429, exceptions.RateLimitError, vectorcache.RateLimitError),
        (500, exceptions.InternalServerError, vectorcache.InternalServerError),
        (502, exceptions.BadGatewayError, vectorcache.LLMProviderError),
        (503, exceptions.ServiceUnavailableError, vectorcache.ServiceUnavailableError),
    ],
)
def test_errors(
    register: Register,
    server: ScriptedServer,
    status: int,
    kind: type[Exception],
    ours: type[vectorcache.APIStatusError],
) -> None:
    """Errors are LiteLLM's own for the status, caused by those of this package."""
    register(max_retries=0)
    server.default = answer({"detail": "because"}, status=status, headers={"Retry-After": "3"})
    with pytest.raises(kind, match="because") as caught:
        complete()
    error = caught.value
    assert type(error) is kind
    said = vars(error)
    assert said["status_code"] == status
    assert said["llm_provider"] == "vectorcache"
    assert said["model"] == "gpt-4o"
    assert type(error.__cause__) is ours
    if status != 409:  # LiteLLM's class for 409 has no response.
        assert said["response"].headers["retry-after"] == "3"
    assert KEY not in str(said)


def test_errors_without_a_status(register: Register, server: ScriptedServer) -> None:
    """A missing, late or unusable answer is LiteLLM's own error as well."""
    handler = register(max_retries=0)
    server.script = [hang_up, say_nothing, answer({"a": 1})]
    with pytest.raises(exceptions.APIConnectionError):
        complete()
    with pytest.raises(exceptions.Timeout):
        complete(timeout=0.05)
    with pytest.raises(exceptions.APIResponseValidationError):
        complete()
    handler.close()
    with pytest.raises(exceptions.BadRequestError, match="the client is closed"):
        complete()


def test_a_router_does_not_retry(register: Register, server: ScriptedServer) -> None:
    """A router, which makes two retries by default, leaves retries to the client."""
    register()
    deployment = {"model_name": "cached", "litellm_params": {"model": "vectorcache/gpt-4o"}}
    router: Any = litellm.router.Router(model_list=[deployment])
    server.default = answer({"detail": "boom"}, status=500)
    with pytest.raises(exceptions.InternalServerError, match="boom"):
        router.completion("cached", QUESTION)
    assert len(server.requests) == 3
    with pytest.raises(exceptions.InternalServerError, match="boom"):
        asyncio.run(router.acompletion("cached", QUESTION))
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "drops", [{"drop_params": True}, {"additional_drop_params": ["temperature"]}]
)
def test_litellms_options_to_drop_settings(
    register: Register, server: ScriptedServer, drops: dict[str, Any]
) -> None:
    """LiteLLM's own options to drop settings work, but drop no feature."""
    register()
    with pytest.raises(exceptions.UnsupportedParamsError, match="temperature"):
        complete(temperature=0.0)
    assert complete(temperature=0.0, **drops).choices[0].message.content
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    with pytest.raises(exceptions.UnsupportedParamsError, match="tools"):
        complete(tools=tools, **drops)
    assert len(server.requests) == 1


def test_dropping_everywhere(
    register: Register, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``litellm.drop_params`` drops settings as well."""
    register()
    monkeypatch.setattr(litellm, "drop_params", True)
    assert complete(temperature=0.0, seed=7).choices[0].message.content


def test_streaming(register: Register, server: ScriptedServer) -> None:
    """The chunks of a stream have the metadata, and add up to a completion."""
    register()
    chunks = list(complete(stream=True, stream_options={"include_usage": True}))
    answered: Any = litellm.stream_chunk_builder(chunks)
    [choice] = answered.choices
    assert choice.message.content == HIT["response"]
    assert choice.finish_reason == "stop"
    details = choice.message.provider_specific_fields["vectorcache"]
    assert details["cost_saved"] == HIT["cost_saved"]
    assert details["replayed"] is True
    assert len(server.requests) == 1


def test_errors_of_streams(register: Register, server: ScriptedServer) -> None:
    """Errors of a stream are LiteLLM's own as well, and nothing is retried."""
    register(max_retries=0)
    server.default = answer({"detail": "because"}, status=401)

    async def first() -> None:
        stream: Any = await litellm.acompletion(
            "vectorcache/gpt-4o", messages=QUESTION, stream=True
        )
        async for _ in stream:
            raise AssertionError

    with pytest.raises(exceptions.AuthenticationError, match="because"):
        complete(stream=True)
    with pytest.raises(exceptions.AuthenticationError, match="because"):
        asyncio.run(first())
    with pytest.raises(exceptions.UnsupportedParamsError, match="seed"):
        complete(stream=True, seed=7)
    assert len(server.requests) == 2


@pytest.mark.parametrize("parameter", ["api_key", "api_base"])
def test_keys_and_addresses_of_a_call(
    register: Register, server: ScriptedServer, parameter: str
) -> None:
    """A call that names a key or an address is refused, as it cannot choose them."""
    register()
    with pytest.raises(exceptions.BadRequestError, match=f"{parameter} was passed to the call"):
        complete(**{parameter: "https://example.com"})
    assert server.requests == []


def test_metadata_and_headers(register: Register, server: ScriptedServer) -> None:
    """Metadata for LiteLLM's own logging are accepted, and headers are sent."""
    register()
    complete(metadata={"trace": "7"}, user="jane", extra_headers={"X-Trace": "7"})
    assert server.requests[0].headers["x-trace"] == "7"
    assert server.requests[0].json().keys() == {
        "prompt",
        "model",
        "similarity_threshold",
        "include_debug",
    }


def test_no_key() -> None:
    """Without a key no handler is made."""
    with pytest.raises(ConfigurationError, match="VECTORCACHE_API_KEY"):
        VectorcacheLLM()


def test_a_client_of_your_own(server: ScriptedServer) -> None:
    """Your own client stays open, and cannot be combined with options."""
    with VectorcacheClient(KEY, server.url) as client:
        VectorcacheLLM(client).close()
        assert not client.closed
        with pytest.raises(ConfigurationError, match="timeout cannot be combined with a client"):
            VectorcacheLLM(client, timeout=5)


def test_the_key_is_not_shown(
    register: Register, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """No log record of LiteLLM contains the key, even at its most verbose level."""
    handler = register(max_retries=0)
    server.script = [answer(), answer({"detail": f"bad key {KEY}"}, status=401)]
    with caplog.at_level(logging.DEBUG):
        complete()
        with pytest.raises(exceptions.AuthenticationError) as caught:
            complete()
    assert caplog.records
    for shown in (caplog.text, str(caught.value), repr(handler)):
        assert KEY not in shown
