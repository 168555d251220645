"""LangChain's chat model, in addition to LangChain's own test suites."""

from __future__ import annotations

import asyncio
import functools
import operator
import pickle
import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from clients import KEY
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField
from pydantic import SecretStr, ValidationError
from servers import MISS, ScriptedServer, answer

from vectorcache import (
    AsyncVectorcacheClient,
    ConfigurationError,
    InvalidRequestError,
    VectorcacheClient,
)
from vectorcache.integrations.langchain import ChatVectorcache


@pytest.fixture
def model(server: ScriptedServer) -> Iterator[ChatVectorcache]:
    """A model that asks a server with scripted answers."""
    made = ChatVectorcache(model="gpt-4o", api_key=SecretStr(KEY), base_url=server.url)
    yield made
    asyncio.run(made.aclose())


def test_a_function_for_the_key(server: ScriptedServer) -> None:
    """The key may be a function that is called each time, as in LangChain's own models."""
    keys = [KEY, "vc_" + 32 * "1"]
    made = ChatVectorcache(model="gpt-4o", api_key=lambda: keys.pop(0), base_url=server.url)
    made.invoke("Q")
    asyncio.run(made.ainvoke("Q"))
    asyncio.run(made.aclose())
    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == [f"Bearer {KEY}", f"Bearer vc_{32 * '1'}"]


def test_an_answer(model: ChatVectorcache, server: ScriptedServer) -> None:
    """An answer has LangChain's own metadata for the model, and no token counts."""
    server.default = answer(MISS)
    message = model.invoke("What is machine learning?")
    assert type(message) is AIMessage
    assert message.text == MISS["response"]
    assert message.response_metadata["model_name"] == "gpt-4o"
    assert message.response_metadata["model_provider"] == "vectorcache"
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.response_metadata["vectorcache"]["cache_hit"] is False
    assert message.usage_metadata is None


def test_in_a_chain(model: ChatVectorcache, server: ScriptedServer) -> None:
    """The model works in a chain."""
    prompt = ChatPromptTemplate([("system", "Be brief."), ("human", "What is {topic}?")])
    chain = prompt | model | StrOutputParser()
    assert chain.invoke({"topic": "a tort"}) == MISS["response"]
    assert server.requests[0].json()["prompt"] == "What is a tort?"
    assert chain.batch([{"topic": "a lien"}, {"topic": "a deed"}]) == 2 * [MISS["response"]]


def test_streaming(model: ChatVectorcache, server: ScriptedServer) -> None:
    """A stream and its callbacks get the answer in pieces, from one request."""

    class Pieces(BaseCallbackHandler):
        def __init__(self) -> None:
            self.told: list[str] = []

        def on_llm_new_token(self, token: Any, **_: Any) -> None:
            self.told.append(token)

    pieces = Pieces()
    chunks = list(model.stream("What is ML?", config={"callbacks": [pieces]}))
    assert len(chunks) > 2
    assert pieces.told == [chunk.content for chunk in chunks]
    assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]
    whole = functools.reduce(operator.add, chunks)
    assert whole.text == MISS["response"]
    assert whole.response_metadata["model_name"] == "gpt-4o"
    assert whole.response_metadata["vectorcache"]["cache_hit"] is True
    assert whole.response_metadata["vectorcache"]["replayed"] is True
    assert len(server.requests) == 1


def test_invoke_that_streams(model: ChatVectorcache, server: ScriptedServer) -> None:
    """If LangChain streams inside ``invoke``, the answer is the same."""
    assert model.invoke("What is ML?", stream=True).text == MISS["response"]
    model.streaming = True
    assert asyncio.run(model.ainvoke("What is ML?")).text == MISS["response"]
    assert "stream" not in server.requests[0].json()


def test_an_empty_stream(model: ChatVectorcache) -> None:
    """An answer that begins with a stop sequence is still one chunk."""
    [chunk] = model.stream("What is ML?", stop=[MISS["response"][:3]])
    assert chunk.text == ""
    assert chunk.chunk_position == "last"


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (ToolMessage("42", tool_call_id="a"), "the role 'tool'"),
        (FunctionMessage(content="42", name="f"), "the role 'function'"),
        (ChatMessage(content="42", role="critic"), "the role 'critic'"),
        (AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "a"}]), "calls a tool"),
        (AIMessage("", additional_kwargs={"function_call": {"name": "f"}}), "calls a tool"),
        (
            HumanMessage([{"type": "image_url", "image_url": {"url": "https://example.com/a"}}]),
            "a part that is not text",
        ),
        (AIMessage([{"type": "reasoning", "reasoning": "..."}]), "a part that is not text"),
    ],
)
def test_messages_with_more_than_text(
    model: ChatVectorcache, server: ScriptedServer, message: Any, says: str
) -> None:
    """Tools, images and similar content are refused with their place, and nothing is sent."""
    with pytest.raises(InvalidRequestError, match=rf"messages\[0\].*{says}"):
        model.invoke([message, HumanMessage("What is ML?")])
    assert server.requests == []


def test_names_and_roles(model: ChatVectorcache, server: ScriptedServer) -> None:
    """Names change the context; generic messages have their role, and text parts are joined."""
    for message in (
        HumanMessage("What is ML?"),
        ChatMessage(content="What is ML?", role="user"),
        HumanMessage([{"type": "text", "text": "What is "}, "ML?"]),
        HumanMessage("What is ML?", name="jane"),
        HumanMessage("What is ML?", name="joe"),
    ):
        model.invoke([message])
    contexts = [request.json().get("context") for request in server.requests]
    assert contexts[:3] == [None, None, None]
    assert len(set(contexts)) == 3
    assert {request.json()["prompt"] for request in server.requests} == {"What is ML?"}
    model.invoke([ChatMessage(content="Be brief.", role="developer"), HumanMessage("What is ML?")])
    model.invoke([SystemMessage("Be brief."), HumanMessage("What is ML?")])
    assert server.requests[-1].json() == server.requests[-2].json()


def test_tools_and_schemas(model: ChatVectorcache) -> None:
    """Tools and structured output are refused as soon as they are bound."""
    with pytest.raises(InvalidRequestError, match="calls no tools"):
        model.bind_tools([])
    with pytest.raises(InvalidRequestError, match="no structured output"):
        model.with_structured_output(dict)


def test_settings_of_the_model(server: ScriptedServer) -> None:
    """The options of a model are the defaults of its calls."""
    with VectorcacheClient(KEY, server.url, model="gpt-4o", context="client's") as client:
        model = ChatVectorcache(client=client, similarity_threshold=0.95, stop=["learning"])
        assert model.model == "gpt-4o"
        assert model.invoke("What is ML?").text == "Machine "
        assert model.invoke("What is ML?", stop=["is"]).text == "Machine learning "
        model.bind(similarity_threshold=0.9, context="own").invoke("What is ML?")
    first, _, bound = [request.json() for request in server.requests]
    assert (first["similarity_threshold"], first["context"]) == (0.95, "client's")
    assert (bound["similarity_threshold"], bound["context"]) == (0.9, "own")


def test_limits_of_the_model(server: ScriptedServer) -> None:
    """``max_retries`` of the model is used."""
    server.default = answer({"detail": "boom"}, status=500)
    with VectorcacheClient(KEY, server.url) as client:
        model = ChatVectorcache(model="gpt-4o", client=client, max_retries=0)
        with pytest.raises(Exception, match="boom"):
            model.invoke("What is ML?")
    assert len(server.requests) == 1


def test_a_temperature_is_refused_when_the_model_is_made() -> None:
    """An unsupported setting is refused when the model is made."""
    with pytest.raises(InvalidRequestError, match="temperature"):
        ChatVectorcache(model="gpt-4o", api_key=SecretStr(KEY), temperature=0)
    with pytest.raises(ConfigurationError, match="'tools'"):
        ChatVectorcache(model="gpt-4o", api_key=SecretStr(KEY), ignore=["tools"])


def test_no_key() -> None:
    """Without a key no model is made."""
    with pytest.raises(ConfigurationError, match="VECTORCACHE_API_KEY"):
        ChatVectorcache(model="gpt-4o")


def test_misspelt_options() -> None:
    """An unknown option is refused, without showing the values of others."""
    options: dict[str, Any] = {"model": "gpt-4o", "api_key": KEY, "similarity_treshold": 0.9}
    with pytest.raises(ValidationError, match="similarity_treshold") as caught:
        ChatVectorcache(**options)
    assert KEY not in str(caught.value)


def test_the_key_is_not_shown(model: ChatVectorcache) -> None:
    """No representation of a model contains the key, and pickling is refused."""
    for shown in (
        repr(model),
        str(model),
        dumps(model),
        str(model.model_dump()),
        str(model._identifying_params),
    ):
        assert KEY not in shown
    assert KEY not in model.model_dump_json(exclude={"client", "async_client"})
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(model)


def test_a_key_in_the_environment(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client may be passed while the environment has a key, but not together with a key."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    with VectorcacheClient(KEY, server.url) as client:
        ChatVectorcache(model="gpt-4o", client=client).invoke("What is ML?")
        with pytest.raises(ConfigurationError, match="api_key cannot be combined with a client"):
            ChatVectorcache(model="gpt-4o", client=client, api_key=SecretStr(KEY))


def test_only_one_client(server: ScriptedServer) -> None:
    """``ainvoke`` asks a sync client in a thread; ``invoke`` cannot ask an async client."""
    asked_by: list[threading.Thread] = []

    def note(query: Any) -> Any:
        asked_by.append(threading.current_thread())
        return query

    with VectorcacheClient(KEY, server.url, before_send=note) as client:
        model = ChatVectorcache(model="gpt-4o", client=client)
        assert asyncio.run(model.ainvoke("What is ML?")).text == MISS["response"]
        assert asked_by[0] is not threading.current_thread()
        asyncio.run(model.aclose())
        assert not client.closed

    async_client = AsyncVectorcacheClient(KEY, server.url)
    model = ChatVectorcache(model="gpt-4o", async_client=async_client)
    with pytest.raises(ConfigurationError, match="only an async client"):
        model.invoke("What is ML?")


def test_a_model_that_is_not_closed(server: ScriptedServer) -> None:
    """A collected model leaves no open connection and gives no warning."""
    model = ChatVectorcache(model="gpt-4o", api_key=SecretStr(KEY), base_url=server.url)
    model.invoke("What is ML?")
    asyncio.run(model.ainvoke("What is ML?"))
    del model
    assert server.wait_until_idle(10)


def test_configurable_fields(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """LangChain can copy a model with a client, even if the environment has a key."""
    monkeypatch.setenv("VECTORCACHE_API_KEY", KEY)
    with VectorcacheClient(KEY, server.url, model="gpt-4o") as client:
        model = ChatVectorcache(client=client).configurable_fields(
            context=ConfigurableField(id="tenant")
        )
        model.with_config(configurable={"tenant": "a"}).invoke("What is ML?")
        asyncio.run(model.ainvoke("What is ML?", config={"configurable": {"tenant": "b"}}))
    assert [request.json()["context"] for request in server.requests] == ["a", "b"]


def test_a_timeout_of_another_package(server: ScriptedServer) -> None:
    """The model and its calls accept an ``openai.Timeout``."""
    timeout: Any = openai.Timeout(5)
    own: dict[str, Any] = {"model": "gpt-4o", "api_key": KEY, "base_url": server.url}
    for model in (ChatVectorcache(**own, timeout=timeout), ChatVectorcache(**own)):
        assert model.invoke("What is ML?", timeout=timeout).text
    assert len(server.requests) == 2
