"""The LLM for LlamaIndex."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from clients import KEY
from llama_index.core import PromptTemplate, SummaryIndex
from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.llms import ChatMessage, ImageBlock, MessageRole, TextBlock
from llama_index.core.schema import TextNode
from pydantic import ValidationError
from servers import HIT, ScriptedServer
from servers import answer as answering

from vectorcache import ConfigurationError, InvalidRequestError, VectorcacheClient
from vectorcache.integrations.llamaindex import Vectorcache

QUESTION = "What is machine learning?"


@pytest.fixture
def llm(server: ScriptedServer) -> Iterator[Vectorcache]:
    """An LLM that asks a server with scripted answers."""
    made = Vectorcache("gpt-4o", api_key=KEY, base_url=server.url)
    yield made
    asyncio.run(made.aclose())


def test_complete(llm: Vectorcache, server: ScriptedServer) -> None:
    """A completion makes a plain query, and ``raw`` is the response of the service."""
    for answer in (llm.complete(QUESTION), asyncio.run(llm.acomplete(QUESTION))):
        assert answer.text == HIT["response"]
        assert answer.raw == HIT
        assert answer.additional_kwargs["vectorcache"]["cost_saved"] == HIT["cost_saved"]
    for request in server.requests:
        assert request.json()["prompt"] == QUESTION
        assert "context" not in request.json()


def test_chat(llm: Vectorcache) -> None:
    """The answer of a chat is a message of the assistant, with ``raw`` and the metadata."""
    messages = [ChatMessage(QUESTION)]
    for answer in (llm.chat(messages), asyncio.run(llm.achat(messages))):
        assert answer.message.role is MessageRole.ASSISTANT
        assert answer.message.content == HIT["response"]
        assert answer.raw == HIT
        assert answer.additional_kwargs["vectorcache"]["cache_hit"] is True


def test_in_a_query_engine(llm: Vectorcache, server: ScriptedServer) -> None:
    """LlamaIndex can ask it with its own templates, as it asks every LLM."""
    index = SummaryIndex([TextNode(text="Cats sleep for 15 hours a day.")])
    answer = index.as_query_engine(llm=llm).query("How long do cats sleep?")
    assert str(answer) == HIT["response"]
    assert "15 hours" in server.requests[0].json()["prompt"]
    assert llm.predict(PromptTemplate("What is {it}?"), it="a tort") == HIT["response"]
    assert server.requests[-1].json()["prompt"] == "What is a tort?"


def test_a_system_prompt(llm: Vectorcache, server: ScriptedServer) -> None:
    """LlamaIndex's own system prompt changes the context, as a system message does."""
    llm.system_prompt = "Be brief."
    llm.predict(PromptTemplate("What is ML?"))
    llm.chat([ChatMessage("Be brief.", role="system"), ChatMessage("What is ML?")])
    first, second = [request.json() for request in server.requests]
    assert first == second
    assert first["context"].startswith("messages-v1:")


def test_streaming(llm: Vectorcache, server: ScriptedServer) -> None:
    """Each response of a stream has its new piece and the text so far."""

    async def streamed() -> list[Any]:
        chat = await llm.astream_chat([ChatMessage(QUESTION)])
        completion = await llm.astream_complete(QUESTION)
        return [[each async for each in chat], [each async for each in completion]]

    chats = [list(llm.stream_chat([ChatMessage(QUESTION)]))]
    completions = [list(llm.stream_complete(QUESTION))]
    chat, completion = asyncio.run(streamed())
    for responses in (*chats, chat):
        assert "".join(each.delta or "" for each in responses) == HIT["response"]
        assert responses[-1].message.content == HIT["response"]
        assert responses[0].message.content == responses[0].delta
        assert responses[0].message.role is MessageRole.ASSISTANT
    for responses in (*completions, completion):
        assert "".join(each.delta or "" for each in responses) == HIT["response"]
        assert responses[-1].text == HIT["response"]
    for responses in (*chats, chat, *completions, completion):
        assert len(responses) > 1
        assert all(each.raw == HIT for each in responses)
        assert responses[0].additional_kwargs["vectorcache"]["replayed"] is True
    assert len(server.requests) == 4


def test_an_empty_stream(llm: Vectorcache) -> None:
    """An answer that begins with a stop sequence is still one response."""
    [response] = llm.stream_chat([ChatMessage(QUESTION)], stop=[HIT["response"][:3]])
    assert response.message.content == ""


def test_a_stream_argument_is_refused(llm: Vectorcache, server: ScriptedServer) -> None:
    """A ``stream`` argument is refused, and the error names the method to call."""
    with pytest.raises(InvalidRequestError, match=r"call stream_chat\(\)"):
        llm.chat([ChatMessage(QUESTION)], stream=True)
    assert server.requests == []


# LlamaIndex's agents cause warnings of pydantic and of their own workflows.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_in_an_agent(server: ScriptedServer) -> None:
    """LlamaIndex's ReAct agent, which streams by default, is answered."""

    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    server.default = answering({**HIT, "response": "Thought: I can answer.\nAnswer: 42"})

    async def run() -> str:
        llm = Vectorcache("gpt-4o", api_key=KEY, base_url=server.url)
        answered = str(await ReActAgent(tools=[add], llm=llm).run("What is 6 times 7?"))
        await llm.aclose()
        return answered

    assert asyncio.run(run()) == "42"


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (ChatMessage(blocks=[ImageBlock(url="https://example.com/a.png")]), "ImageBlock"),
        (ChatMessage("42", role=MessageRole.TOOL), "the role 'tool'"),
        (ChatMessage("42", role=MessageRole.FUNCTION), "the role 'function'"),
        (
            ChatMessage("", role=MessageRole.ASSISTANT, additional_kwargs={"tool_calls": [{}]}),
            "calls a tool",
        ),
    ],
)
def test_messages_with_more_than_text(
    llm: Vectorcache, server: ScriptedServer, message: ChatMessage, says: str
) -> None:
    """Tools, images and similar content are refused with their place, and nothing is sent."""
    with pytest.raises(InvalidRequestError, match=rf"messages\[0\].*{says}"):
        llm.chat([message, ChatMessage(QUESTION)])
    assert server.requests == []


def test_roles_names_and_blocks(llm: Vectorcache, server: ScriptedServer) -> None:
    """Aliases of a role count as that role; blocks are joined by line breaks, as in LlamaIndex."""
    question = ChatMessage("And deep learning?")
    for role in (MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL):
        llm.chat([ChatMessage("A field of AI.", role=role), question])
    assert len({request.body for request in server.requests}) == 1
    llm.chat([ChatMessage(QUESTION, additional_kwargs={"name": "jane"})])
    assert server.requests[-1].json()["context"].startswith("messages-v1:")
    llm.chat([ChatMessage(blocks=[TextBlock(text="What is"), TextBlock(text="ML?")])])
    assert server.requests[-1].json()["prompt"] == "What is\nML?"


def test_formatted_prompts(llm: Vectorcache, server: ScriptedServer) -> None:
    """``completion_to_prompt`` is applied, unless LlamaIndex has already applied it."""
    llm.completion_to_prompt = lambda prompt: f"Q: {prompt}"
    llm.complete(QUESTION)
    llm.complete(QUESTION, formatted=True)
    prompts = [request.json()["prompt"] for request in server.requests]
    assert prompts == [f"Q: {QUESTION}", QUESTION]


def test_metadata(llm: Vectorcache) -> None:
    """LlamaIndex packs prompts within the limits of the service."""
    assert llm.metadata.model_name == "gpt-4o"
    assert llm.metadata.is_chat_model
    assert not llm.metadata.is_function_calling_model
    assert 8 * llm.metadata.context_window <= 32_000
    assert llm.class_name() == "vectorcache_llm"


def test_options(server: ScriptedServer) -> None:
    """It takes the options of the client and of LlamaIndex, and no others."""
    llm = Vectorcache(
        "gpt-4o",
        api_key=KEY,
        base_url=server.url,
        context="legal",
        max_retries=0,
        context_window=2_000,
        system_prompt="Be brief.",
    )
    llm.complete(QUESTION)
    assert server.requests[0].json()["context"] == "legal"
    assert llm.metadata.context_window == 2_000
    assert llm.system_prompt == "Be brief."
    options: dict[str, Any] = {"api_key": KEY, "similarity_treshold": 0.9}
    with pytest.raises(ValidationError, match="similarity_treshold") as caught:
        Vectorcache("gpt-4o", **options)
    assert KEY not in str(caught.value)
    with pytest.raises(ConfigurationError, match="timeout"):
        Vectorcache("gpt-4o", api_key=KEY, timeout=-1)


def test_no_key() -> None:
    """Without a key no LLM is made."""
    with pytest.raises(ConfigurationError, match="VECTORCACHE_API_KEY"):
        Vectorcache("gpt-4o")


def test_a_client_of_your_own(server: ScriptedServer) -> None:
    """Your own client names the model, counts the calls, and stays open."""
    with VectorcacheClient(KEY, server.url, model="gpt-4o") as client:
        llm = Vectorcache(client=client)
        llm.complete(QUESTION)
        asyncio.run(llm.acomplete(QUESTION))
        llm.close()
        assert llm.model == "gpt-4o"
        assert client.stats.calls == 2
        assert not client.closed
        with pytest.raises(ConfigurationError, match="context cannot be combined with a client"):
            Vectorcache(client=client, context="legal")


def test_the_key_is_not_shown(llm: Vectorcache) -> None:
    """No representation of an LLM contains the key, and pickling is refused."""
    for shown in (repr(llm), str(llm.to_dict()), llm.to_json(), str(llm.to_payload())):
        assert KEY not in shown
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(llm)
