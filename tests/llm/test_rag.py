"""Retrieval: a template or passages that prompts share cause no hit.

GPTCache#388, GenAI-Showcase#10.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from anyio.from_thread import start_blocking_portal
from clients import KEY
from langchain_core.prompts import ChatPromptTemplate
from llama_index.core import Document, PromptTemplate, VectorStoreIndex
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import ChatPromptTemplate as LlamaChatTemplate
from llama_index.core.prompts import SelectorPromptTemplate
from llama_index.core.prompts.utils import is_chat_model
from llm.libraries import LIBRARIES, Library
from servers import ScriptedServer

from vectorcache import AsyncVectorcacheClient, VectorcacheClient
from vectorcache.integrations.langchain import ChatVectorcache
from vectorcache.integrations.llamaindex import Vectorcache
from vectorcache.local import MiniLM

# LiteLLM warns about its own code when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")

PASSAGE = (
    "Our shop opens at nine and closes at six from Monday to Saturday. Returns are accepted "
    "within 30 days with the receipt. Delivery is free over 50 euros, otherwise it costs 4.90 "
    "euros. Orders placed before noon leave the warehouse the same day. Payment is possible by "
    "card, by invoice and in instalments. Gift cards are valid for three years."
)
QUESTIONS = [
    "When does the shop open?",
    "How long can I return goods?",
    "Is delivery free?",
    "How long are gift cards valid?",
    "Can I pay by invoice?",
    "Who writes the receipts?",
]
IN_OTHER_WORDS = "How long is a gift card valid?"


@attrs.define
class Asked:
    """An LLM that records its prompts, and answers with the number of the call."""

    prompts: list[str] = attrs.field(factory=list)
    contexts: list[str | None] = attrs.field(factory=list)

    def __call__(self, prompt: str, model: str, context: str | None) -> str:
        self.prompts.append(prompt)
        self.contexts.append(context)
        return f"answer {len(self.prompts)}"


@pytest.fixture(autouse=True, scope="module")
def no_loop_is_left() -> None:
    """Makes an event loop first, because LlamaIndex otherwise makes one that it never closes."""
    asyncio.run(asyncio.sleep(0))


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    """The usual embedder, which is loaded once."""
    return MiniLM()


@pytest.fixture
def client(asked: Asked, embedder: MiniLM) -> Iterator[VectorcacheClient]:
    """A client with an embedded cache."""
    with VectorcacheClient.local(llm=asked, model="gpt-4o", embedder=embedder) as made:
        yield made


@pytest.fixture(params=LIBRARIES)
def library(
    request: pytest.FixtureRequest, client: VectorcacheClient, asked: Asked, embedder: MiniLM
) -> Iterator[Library]:
    """A library that asks an embedded cache."""
    with start_blocking_portal() as portal:
        async_client = AsyncVectorcacheClient.local(llm=asked, model="gpt-4o", embedder=embedder)
        yield LIBRARIES[request.param](client, async_client, portal.call)
        portal.call(async_client.aclose)


TEMPLATES: dict[str, Callable[[str], str]] = {
    "lines": lambda question: f"Answer by the context.\n\n{PASSAGE}\n\nQuestion: {question}",
    "one line": lambda question: f"Answer by this: {PASSAGE} The question is: {question}",
    "question first": lambda question: f"{question} Answer by this and nothing else: {PASSAGE}",
    "short lines": lambda question: f"The shop has its own rules.\nQuestion: {question}",
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_passages_in_a_message(library: Library, asked: Asked, template: str) -> None:
    """No question gets another's answer, the LLM sees the whole prompt, and repeats are hits."""
    prompts = [TEMPLATES[template](question) for question in QUESTIONS]
    answers = [library.ask([("user", prompt)]) for prompt in prompts]
    assert [each.details["cache_hit"] for each in answers] == [False] * len(QUESTIONS)
    assert len({each.text for each in answers}) == len(QUESTIONS)
    assert asked.prompts == prompts
    again = [library.ask([("user", prompt)]) for prompt in prompts]
    assert [each.text for each in again] == [each.text for each in answers]
    assert all(each.details["similarity_score"] == 1.0 for each in again)
    assert len(asked.prompts) == len(QUESTIONS)


def test_a_chain_of_langchain(client: VectorcacheClient, asked: Asked) -> None:
    """A prompt template and a model, as in LangChain's own guide to retrieval."""
    prompt = ChatPromptTemplate(
        [
            ("system", "Answer by the context alone."),
            ("human", "Context: {context}\n\nQuestion: {question}"),
        ]
    )
    chain = prompt | ChatVectorcache(client=client)
    for _ in range(2):
        answers = [
            chain.invoke({"context": PASSAGE, "question": question}).text for question in QUESTIONS
        ]
        assert answers == [f"answer {number + 1}" for number in range(len(QUESTIONS))]
    assert len(asked.prompts) == len(QUESTIONS)


def test_a_query_engine(client: VectorcacheClient, asked: Asked) -> None:
    """LlamaIndex's query engine finds a rephrased question, and asks the LLM other questions."""
    llm = Vectorcache(client=client)
    index = VectorStoreIndex.from_documents([Document(text=PASSAGE)], embed_model=MockEmbedding(8))
    engine = index.as_query_engine(llm=llm)
    answers = [str(engine.query(question)) for question in QUESTIONS]
    assert answers == [f"answer {number + 1}" for number in range(len(QUESTIONS))]
    for question, prompt in zip(QUESTIONS, asked.prompts, strict=True):
        assert question in prompt
        assert PASSAGE in prompt
    assert str(engine.query(QUESTIONS[0])) == answers[0]
    assert str(engine.query(IN_OTHER_WORDS)) == answers[3]
    streamed = index.as_query_engine(llm=llm, streaming=True).query(IN_OTHER_WORDS)
    assert str(streamed) == answers[3]

    async def ask() -> list[str]:
        answered = [await engine.aquery(question) for question in (QUESTIONS[1], IN_OTHER_WORDS)]
        return [str(each) for each in answered]

    assert asyncio.run(ask()) == [answers[1], answers[3]]
    assert len(asked.prompts) == len(QUESTIONS)
    other = VectorStoreIndex.from_documents(
        [Document(text="Gift cards are never valid.")], embed_model=MockEmbedding(8)
    )
    assert str(other.as_query_engine(llm=llm).query(QUESTIONS[3])) == "answer 7"


def test_a_query_engine_on_the_hosted_service(service: str) -> None:
    """On the hosted service, only an exact repeat is found."""
    llm = Vectorcache("gpt-4o", api_key=KEY, base_url=service)
    index = VectorStoreIndex.from_documents([Document(text=PASSAGE)], embed_model=MockEmbedding(8))
    engine = index.as_query_engine(llm=llm)
    answers = [str(engine.query(question)) for question in (*QUESTIONS, IN_OTHER_WORDS)]
    assert len(set(answers)) == len(answers)
    assert str(engine.query(QUESTIONS[2])) == answers[2]
    llm.close()


def test_nothing_new_is_sent_to_the_hosted_service(server: ScriptedServer) -> None:
    """The part of a prompt is sent only to a service in this process."""
    llm = Vectorcache("gpt-4o", api_key=KEY, base_url=server.url)
    llm.predict(PromptTemplate("By {context_str}: {query_str}"), context_str="a", query_str="b?")
    [request] = server.requests
    assert request.json()["prompt"] == "By a: b?"
    assert "context" not in request.json()
    assert not [name for name in request.headers if "compared" in name]
    llm.close()


def test_the_guard_reads_the_question(asked: Asked, embedder: MiniLM) -> None:
    """With the lexical guard, opposite questions differ, whatever the passages are."""
    template = PromptTemplate("{context_str}\n\nQuestion: {query_str}\nAnswer:")
    passage = "Caching is enabled by this, and disabled by that."
    options: dict[str, Any] = {"llm": asked, "model": "gpt-4o", "embedder": embedder}
    with VectorcacheClient.local(**options, lexical_guard=True) as client:
        llm = Vectorcache(client=client)
        for question in ("How do I enable caching?", "How do I disable caching?"):
            llm.predict(template, context_str=passage, query_str=question)
    assert len(asked.prompts) == 2


SELECTED = SelectorPromptTemplate(
    default_template=PromptTemplate("not for chats: {query_str}"),
    conditionals=[
        (is_chat_model, PromptTemplate("By:\n{context_str}\nAnswer {query_str} in a word."))
    ],
)


@pytest.mark.parametrize(
    "template",
    [
        PromptTemplate("By:\n{context_str}\nAnswer {query_str} in a word."),
        PromptTemplate(
            "By:\n{c}\nAnswer {q}", template_var_mappings={"context_str": "c", "query_str": "q"}
        ),
        SELECTED,
        LlamaChatTemplate(
            [ChatMessage("Be brief.", role="system"), ChatMessage("{context_str}\n{query_str}")]
        ),
    ],
)
def test_templates_with_a_separate_question(
    client: VectorcacheClient, asked: Asked, template: Any
) -> None:
    """A question is compared only with those of the same template and passages."""
    llm = Vectorcache(client=client)
    first = llm.predict(template, context_str=PASSAGE, query_str=QUESTIONS[3])
    partly = template.partial_format(query_str=IN_OTHER_WORDS)
    assert llm.predict(partly, context_str=PASSAGE) == first
    assert llm.predict(template, context_str=f"{PASSAGE} ", query_str=IN_OTHER_WORDS) != first
    assert len(asked.prompts) == 2


@pytest.mark.parametrize(
    "template",
    [
        # The question is not in the prompt, which is the last message.
        LlamaChatTemplate(
            [ChatMessage("Asked: {query_str}", role="system"), ChatMessage("{context_str}\nGo on.")]
        ),
        # It is unknown how a function changes the question.
        PromptTemplate(
            "{examples}\n{context_str}\n{query_str}",
            function_mappings={"examples": lambda **variables: variables["query_str"][:9]},
        ),
        PromptTemplate(
            "{context_str}\n{other}", function_mappings={"other": lambda **v: v["query_str"]}
        ),
    ],
)
def test_templates_with_a_hidden_question(
    client: VectorcacheClient, asked: Asked, template: Any
) -> None:
    """If the question cannot be told apart, only an exact repeat is found."""
    llm = Vectorcache(client=client)
    for question in (*QUESTIONS, IN_OTHER_WORDS):
        llm.predict(template, context_str=PASSAGE, query_str=question)
    assert len(asked.prompts) == len(QUESTIONS) + 1
    llm.predict(template, context_str=PASSAGE, query_str=QUESTIONS[0])
    assert len(asked.prompts) == len(QUESTIONS) + 1


def test_long_questions(client: VectorcacheClient, asked: Asked) -> None:
    """A long question is found only if it is repeated exactly."""
    llm = Vectorcache(client=client)
    template = PromptTemplate("{context_str}\n\n{query_str}")
    for end in ("open?", "close?", "open?"):
        llm.predict(
            template, context_str=PASSAGE, query_str=f"{'Please tell me, ' * 12}when you {end}"
        )
    assert len(asked.prompts) == 2


def test_a_shared_beginning_beyond_the_models_window(library: Library, asked: Asked) -> None:
    """Two questions after the same 300 words differ, though the embedding model sees only these."""
    shared = "We have a shop with rules of many kinds. " * 60
    for question in QUESTIONS[:2]:
        assert library.ask([("user", shared + question)]).details["cache_hit"] is False
    assert len(asked.prompts) == 2
