"""Behaviour that all libraries share, in sync and async calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from clients import KEY
from llm.libraries import LIBRARIES, Conversation, Library
from servers import MISS, ScriptedServer, answer

from vectorcache import (
    AsyncVectorcacheClient,
    InternalServerError,
    InvalidRequestError,
    RetryPolicy,
    SensitiveDataError,
    SensitiveDataFilter,
    VectorcacheClient,
)

# LiteLLM warns about its own code when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")

QUESTION: Conversation = [("user", "What is machine learning?")]
CONVERSATION: Conversation = [
    ("system", "Answer in one word."),
    ("user", "What is the capital of France?"),
    ("assistant", "Paris."),
    ("user", "And in Spain?"),
]

MakeLibrary = Callable[..., Library]


@pytest.fixture(params=LIBRARIES)
def make_library(request: pytest.FixtureRequest) -> Iterator[MakeLibrary]:
    """Makes a library with clients that do not wait between attempts."""
    with start_blocking_portal() as portal:
        made: list[Library] = []

        def make(base_url: str, ignore: tuple[str, ...] = (), **options: Any) -> Library:
            options = {"model": "gpt-4o", "retry": RetryPolicy.without_waiting(), **options}
            client = VectorcacheClient(KEY, base_url, **options)
            async_client = AsyncVectorcacheClient(KEY, base_url, **options)
            kind = LIBRARIES[request.param]
            made.append(kind(client, async_client, portal.call, ignore))
            return made[-1]

        yield make
        for library in made:
            library.client.close()
            portal.call(library.async_client.aclose)


@pytest.fixture
def cached(make_library: MakeLibrary, service: str) -> Library:
    """A library that asks the embedded service."""
    return make_library(service)


@pytest.fixture
def library(make_library: MakeLibrary, server: ScriptedServer) -> Library:
    """A library that asks a server with scripted answers."""
    return make_library(server.url)


def test_hit_score_and_saving(cached: Library) -> None:
    """The library's own metadata say whether it was a hit, its score and its saving."""
    first = cached.ask(QUESTION)
    again = cached.ask([("user", "What is ML?")])
    assert first.text == again.text
    assert first.text == "gpt-4o says to 'What is machine learning?': hello, you"
    assert first.details["cache_hit"] is False
    assert first.details["similarity_score"] is None
    assert first.details["cost_saved"] == 0
    assert first.details["llm_provider"] == "openai"
    assert again.details["cache_hit"] is True
    assert again.details["similarity_score"] > 0.9
    assert again.details["cost_saved"] > 0
    assert again.details["llm_provider"] == "cache"
    assert again.details["request_id"]
    assert again.details["attempts"] == 1
    assert again.details["elapsed"] > 0


def test_a_single_question_is_a_plain_query(cached: Library) -> None:
    """A single user message shares its answer with ``client.query``."""
    cached.client.query("What is machine learning?")
    assert cached.ask(QUESTION).details["cache_hit"] is True


def test_a_follow_up_stays_in_its_conversation(cached: Library) -> None:
    """A follow-up is answered from the cache only if the messages before it are equal."""
    assert cached.ask(CONVERSATION).details["cache_hit"] is False
    assert cached.ask(CONVERSATION).details["cache_hit"] is True
    in_other_words = [*CONVERSATION[:-1], ("user", "and in spain")]
    assert cached.ask(in_other_words).details["cache_hit"] is True

    follow_up = CONVERSATION[-1]
    others: list[Conversation] = [
        [follow_up],
        CONVERSATION[1:],
        [("system", "Answer in one word, please."), *CONVERSATION[1:]],
        [CONVERSATION[0], follow_up],
        [
            *CONVERSATION[:1],
            ("user", "How high is Mont Blanc?"),
            ("assistant", "4,806 m"),
            follow_up,
        ],
        [*CONVERSATION[:2], ("assistant", "Paris"), follow_up],
        [*CONVERSATION[:2], ("user", "Paris."), follow_up],
    ]
    for other in others:
        assert cached.ask(other).details["cache_hit"] is False, other
    for other in others:
        assert cached.ask(other).details["cache_hit"] is True, other


def test_what_is_sent(library: Library, server: ScriptedServer) -> None:
    """The last user message is sent unchanged, and of the others only a digest."""
    library.ask(CONVERSATION, context="travel")
    [request] = server.requests
    sent = request.json()
    assert sent["prompt"] == "And in Spain?"
    assert sent["model"] == "gpt-4o"
    prefix, _, digest = sent["context"].rpartition(":")
    assert prefix == "travel/messages-v1"
    assert len(digest) == 64
    assert set(digest) <= set("0123456789abcdef")
    assert b"Paris" not in request.body
    assert b"one word" not in request.body


def test_all_libraries_share_the_digest(library: Library, server: ScriptedServer) -> None:
    """All libraries find the same conversation in the cache."""
    library.ask(CONVERSATION)
    digest = "4704aa0b2f8bb1d89142d7ed6823605370b951c55783151277e64b57def0345a"
    assert server.requests[0].json()["context"] == f"messages-v1:{digest}"


def test_options_of_a_query(library: Library, server: ScriptedServer) -> None:
    """A call takes the arguments of ``client.query``."""
    library.ask(
        QUESTION,
        model="claude-3-5-sonnet",
        similarity_threshold=0.95,
        context="legal",
        include_debug=True,
        extra_headers={"X-Trace": "7"},
    )
    [request] = server.requests
    assert request.json() == {
        "prompt": "What is machine learning?",
        "model": "claude-3-5-sonnet",
        "similarity_threshold": 0.95,
        "context": "legal",
        "include_debug": True,
    }
    assert request.headers["x-trace"] == "7"


def test_stop(library: Library, server: ScriptedServer) -> None:
    """An answer ends before the first stop sequence, though the cache keeps it whole."""
    server.default = answer({**MISS, "response": "one, two; three, four"})
    assert library.ask(QUESTION, stop=["three", "; "]).text == "one, two"
    assert library.ask(QUESTION, stop=["five"]).text == "one, two; three, four"
    assert "stop" not in server.requests[0].json()


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("tools", [{"type": "function", "function": {"name": "f", "parameters": {}}}]),
        ("n", 2),
        ("response_format", {"type": "json_object"}),
        ("logprobs", True),
        ("temperature", 0.0),
        ("max_tokens", 100),
        ("seed", 7),
        ("no_such_parameter", 1),
    ],
)
def test_unsupported_parameters_are_refused(
    library: Library, server: ScriptedServer, parameter: str, value: object
) -> None:
    """A parameter that the service does not support is refused by name, and nothing is sent."""
    error = library.error(QUESTION, **{parameter: value})
    assert isinstance(error, InvalidRequestError)
    assert parameter in str(error)
    assert "nothing was sent" in str(error)
    assert server.requests == []


def test_parameters_without_effect_are_accepted(library: Library) -> None:
    """Parameters that change no answer are accepted."""
    assert library.ask(QUESTION, n=1, user="jane", tools=[]).text


def test_ignored_settings(make_library: MakeLibrary, server: ScriptedServer) -> None:
    """Settings that ``ignore`` names are ignored, and others are refused."""
    library = make_library(server.url, ignore=("temperature",))
    assert library.ask(QUESTION, temperature=0.0).text
    assert "temperature" not in server.requests[0].json()
    assert "seed" in str(library.error(QUESTION, seed=7))


@pytest.mark.parametrize(
    ("conversation", "says"),
    [
        ([("system", "Be brief.")], "no user message"),
        ([*QUESTION, ("assistant", "Machine learning is")], "ends with a message of the assistant"),
        ([("user", "  ")], "prompt is empty"),
        ([("user", "x" * 32_001)], "32,001 characters"),
    ],
)
def test_nothing_to_ask(
    library: Library, server: ScriptedServer, conversation: Conversation, says: str
) -> None:
    """A conversation without a question that can be sent is refused."""
    error = library.error(conversation)
    assert isinstance(error, InvalidRequestError)
    assert says in str(error)
    assert server.requests == []


def test_only_the_client_retries(library: Library, server: ScriptedServer) -> None:
    """After two failures, the third request is answered, and no further one is sent."""
    server.script = [answer({"detail": "boom"}, status=500)] * 2
    assert library.ask(QUESTION).details["attempts"] == 3
    assert len(server.requests) == 3


def test_no_library_retries(library: Library, server: ScriptedServer) -> None:
    """If the service keeps failing, only the client retries, not the library as well."""
    server.default = answer({"detail": "boom"}, status=500)
    error = library.error(QUESTION)
    assert isinstance(error, InternalServerError)
    assert error.attempts == 3
    assert len(server.requests) == 3


def test_retries_of_one_call(library: Library, server: ScriptedServer) -> None:
    """``max_retries`` of a call is used."""
    server.default = answer({"detail": "boom"}, status=500)
    assert library.error(QUESTION, max_retries=0).attempts == 1
    assert len(server.requests) == 1


def test_before_send(make_library: MakeLibrary, server: ScriptedServer) -> None:
    """``before_send`` of the client sees the queries of a library."""
    library = make_library(server.url, before_send=SensitiveDataFilter())
    error = library.error([("user", "Why was jane@example.com logged out?")])
    assert isinstance(error, SensitiveDataError)
    assert server.requests == []


def test_the_key_is_not_shown(library: Library, server: ScriptedServer) -> None:
    """Neither a model nor its errors show the key."""
    server.default = answer({"detail": f"bad key {KEY}"}, status=401)
    error = library.error(QUESTION)
    for shown in (str(error), repr(error), str(vars(error)), repr(library.asked)):
        assert KEY not in shown
