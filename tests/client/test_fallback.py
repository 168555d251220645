"""The fallback, which answers when the cache cannot."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import re
import threading
from typing import Any

import anyio
import pytest
from clients import KEY, AnyClient, MakeClient
from servers import ScriptedServer, answer, hang_up

from vectorcache import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    AsyncVectorcacheClient,
    CircuitBreaker,
    CircuitOpenError,
    ConfigurationError,
    InvalidRequestError,
    NotCacheableError,
    QuotaExceededError,
    RateLimitError,
    RetryPolicy,
    SensitiveDataError,
    VectorcacheClient,
    VectorcacheError,
)

Asked = tuple[str, str, str | None]


class Model:
    """Answers like an LLM, and keeps the arguments of each call."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def __call__(self, prompt: str, model: str, context: str | None) -> str:
        self.asked.append((prompt, model, context))
        return f"{model} on {prompt}"


@pytest.fixture
def model() -> Model:
    return Model()


def fall_back(client: AnyClient) -> Any:
    result = client.query("Q", "m", context="shop")
    assert result.llm_provider == "fallback"
    return result


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (hang_up, APIConnectionError),
        (answer(status=500), None),
        (answer(status=502), None),
        (answer(status=503), None),
        (answer(status=504), None),
        (answer(status=522), None),
        (answer({"detail": "too personal"}, status=422), NotCacheableError),
        (answer(raw=b"<html>a portal</html>"), APIResponseError),
    ],
)
def test_errors_that_call_the_fallback(
    make_client: MakeClient,
    server: ScriptedServer,
    model: Model,
    step: Any,
    error: type[VectorcacheError] | None,
) -> None:
    """No connection, 5xx, 422 and unusable answers: the fallback answers, once, after retries."""
    server.default = step
    result = fall_back(make_client(fallback=model))
    assert result.response == "m on Q"
    assert model.asked == [("Q", "m", "shop")]
    assert isinstance(result.meta.error, error or VectorcacheError)
    assert result.meta.attempts == len(server.requests) == result.meta.error.attempts
    assert result.meta.status_code == result.meta.error.status_code


def test_a_fallback_after_a_timeout(
    make_client: MakeClient, server: ScriptedServer, model: Model
) -> None:
    """The fallback is called after the deadline has passed; the deadline does not apply to it."""
    over = threading.Event()

    def stall(connection: Any) -> None:
        over.wait(10)

    server.default = stall
    result = fall_back(make_client(fallback=model, deadline=0.2))
    over.set()
    assert type(result.meta.error) is APITimeoutError
    assert result.meta.elapsed >= 0.2


def test_while_the_circuit_is_open(
    make_client: MakeClient, server: ScriptedServer, model: Model
) -> None:
    """With a circuit breaker, an outage costs no time: the fallback answers at once."""
    server.default = answer(status=503)
    client = make_client(fallback=model, circuit_breaker=CircuitBreaker(1), max_retries=0)
    fall_back(client)
    result = fall_back(client)
    assert type(result.meta.error) is CircuitOpenError
    assert result.meta.attempts == 0
    assert result.meta.status_code is None
    assert len(server.requests) == 1
    assert len(model.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
def test_errors_that_do_not_call_the_fallback(
    make_client: MakeClient, server: ScriptedServer, model: Model, status: int
) -> None:
    """The fallback is not called for a mistake of the caller, nor for a rate limit or quota."""
    server.default = answer(status=status)
    with pytest.raises(VectorcacheError) as caught:
        make_client(fallback=model).query("Q", "m")
    assert caught.value.status_code == status
    assert model.asked == []


def test_never_over_quota_unless_told(
    make_client: MakeClient, server: ScriptedServer, model: Model
) -> None:
    """A used-up quota reaches the caller, unless ``fallback_on`` names it."""
    server.default = answer({"current_usage": 10, "monthly_limit": 10}, status=429)
    with pytest.raises(QuotaExceededError):
        make_client(fallback=model).query("Q", "m")
    fall_back(make_client(fallback=model, fallback_on=(QuotaExceededError,)))
    server.default = answer(status=500)
    with pytest.raises(VectorcacheError):
        make_client(fallback=model, fallback_on=RateLimitError).query("Q", "m")
    assert len(model.asked) == 1


def test_never_for_a_bad_argument(make_client: MakeClient, model: Model) -> None:
    """An invalid query is refused, even if there is a fallback."""
    client = make_client(fallback=model, fallback_on=(VectorcacheError,))
    with pytest.raises(InvalidRequestError):
        client.query("", "m")
    assert model.asked == []


def test_never_when_the_cache_answers(client: AnyClient, make_client: MakeClient) -> None:
    """The fallback is not called if the cache answers, and ``meta.error`` is None."""
    model = Model()
    result = make_client(fallback=model).query("Q", "m")
    assert result.meta.error is None
    assert model.asked == []


def test_the_result_is_one_like_any_other(
    make_client: MakeClient, server: ScriptedServer, model: Model
) -> None:
    """The answer of a fallback is a miss that saved nothing; it can be copied and pickled."""
    server.default = answer(status=500, headers={"X-Request-Id": "r1"})
    result = fall_back(make_client(fallback=model))
    assert json.loads(json.dumps(result.to_dict())) == {
        "cache_hit": False,
        "response": "m on Q",
        "similarity_score": None,
        "cost_saved": 0.0,
        "llm_provider": "fallback",
    }
    assert result.meta.request_id == "r1"
    for twin in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert twin == result
        assert twin.meta.error.message == result.meta.error.message
    assert result.meta.error.__traceback__ is None


def test_an_empty_answer_is_valid(make_client: MakeClient, server: ScriptedServer) -> None:
    """A fallback may return an empty text, because an LLM may answer so."""
    server.default = answer(status=500)
    assert make_client(fallback=lambda *_: "").query("Q", "m").response == ""


def test_a_fallback_is_logged(
    make_client: MakeClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A fallback that answers is logged as a warning, except for content that cannot be cached."""
    caplog.set_level(logging.INFO, "vectorcache")
    client = make_client(fallback=lambda *_: "A", max_retries=0)
    for status in (500, 422):
        server.default = answer(status=status)
        client.query("Q", "m")
    told = [(r.levelname, r.getMessage()) for r in caplog.records if "fallback" in r.getMessage()]
    assert [level for level, _ in told] == ["WARNING", "INFO"]
    assert re.search(r"the fallback answered in \d+\.\d{3} s for 500", told[0][1])


def test_an_error_in_the_fallback(make_client: MakeClient, server: ScriptedServer) -> None:
    """An error of the fallback is raised unchanged; its context is the error of the cache."""
    calls = []

    def fails(prompt: str, model: str, context: str | None) -> str:
        calls.append(prompt)
        raise KeyError("no such model")

    server.default = answer(status=500)
    with pytest.raises(KeyError, match="no such model") as caught:
        make_client(fallback=fails).query("Q", "m")
    assert isinstance(caught.value.__context__, VectorcacheError)
    assert caught.value.__context__.status_code == 500
    assert calls == ["Q"]


def test_our_own_error_in_the_fallback(make_client: MakeClient, server: ScriptedServer) -> None:
    """A fallback is called only once, even if it raises an error that would call it."""
    calls = []

    def fails(prompt: str, model: str, context: str | None) -> str:
        calls.append(prompt)
        raise APIConnectionError("the other one is down too")

    server.default = answer(status=500)
    with pytest.raises(APIConnectionError, match="the other one is down too"):
        make_client(fallback=fails).query("Q", "m")
    assert calls == ["Q"]


@pytest.mark.parametrize(
    ("returned", "complaint"),
    [(None, "returned NoneType"), (7, "returned int"), ("\ud800", "Unicode")],
)
def test_it_must_return_a_text(
    make_client: MakeClient, server: ScriptedServer, returned: Any, complaint: str
) -> None:
    """A fallback that does not return a text raises an error, caused by that of the cache."""
    server.default = answer(status=500)
    with pytest.raises(ConfigurationError, match=f"fallback must return.*{complaint}") as caught:
        make_client(fallback=lambda *_: returned).query("Q", "m")
    assert isinstance(caught.value.__cause__, VectorcacheError)


async def test_an_async_function(server: ScriptedServer) -> None:
    """The async client awaits an async function, and cancels it with the call."""
    started = anyio.Event()

    async def llm(prompt: str, model: str, context: str | None) -> str:
        if prompt == "stuck":
            started.set()
            await anyio.sleep_forever()
        return f"{model} on {prompt}"

    server.default = answer(status=500)
    async with AsyncVectorcacheClient(KEY, server.url, fallback=llm, max_retries=0) as client:
        assert (await client.query("Q", "m")).response == "m on Q"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.query, "stuck", "m")
            await started.wait()
            tasks.cancel_scope.cancel()
        assert (await client.query("Q", "m")).llm_provider == "fallback"


async def test_a_plain_function_does_not_block_the_loop(server: ScriptedServer) -> None:
    """The async client runs a plain function in a thread, so that it does not block the loop."""
    started, go = threading.Event(), threading.Event()

    def llm(prompt: str, model: str, context: str | None) -> str:
        started.set()
        assert go.wait(10)
        return "an answer"

    server.default = answer(status=500)
    async with (
        AsyncVectorcacheClient(KEY, server.url, fallback=llm, max_retries=0) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(client.query, "Q", "m")
        await anyio.to_thread.run_sync(started.wait)
        go.set()


def test_an_async_function_and_the_sync_client(server: ScriptedServer) -> None:
    """The sync client refuses an async fallback: at once, or when it returns an awaitable."""

    async def llm(prompt: str, model: str, context: str | None) -> str:
        return "never"

    with pytest.raises(ConfigurationError, match="fallback is an async function"):
        VectorcacheClient(KEY, server.url, fallback=llm)
    server.default = answer(status=500)
    policy = RetryPolicy.without_waiting()
    with VectorcacheClient(KEY, server.url, retry=policy) as client:
        with pytest.raises(ConfigurationError, match="fallback is an async function"):
            client.with_options(fallback=llm)
        hidden = client.with_options(fallback=lambda *asked: llm(*asked))
        with pytest.raises(ConfigurationError, match="returned an awaitable"):
            hidden.query("Q", "m")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"fallback": "gpt-4o"}, "fallback must be a function"),
        ({"fallback_on": 500}, "fallback_on has 500"),
        ({"fallback_on": (ValueError,)}, "fallback_on has <class 'ValueError'>"),
        ({"fallback_on": (SensitiveDataError,)}, "raised before the cache is asked"),
    ],
)
def test_invalid_fallback_options(
    make_client: MakeClient, options: dict[str, Any], complaint: str
) -> None:
    """An invalid ``fallback`` or ``fallback_on`` is refused when the client is made."""
    with pytest.raises(ConfigurationError, match=complaint):
        make_client(**options)
