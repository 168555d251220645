"""The one endpoint: what it accepts, what it refuses, and what a failure looks like."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from local.bodies import GOOD, KEY
from local.stand_ins import Angles, MakeEngine, Recorder

from vectorcache.local import LocalTransport
from vectorcache.local.endpoint import arespond, refuse, respond

Send = Callable[..., httpx.Response]


@pytest.fixture
def send(make_engine: MakeEngine, angles: Angles, llm: Recorder) -> Iterator[Send]:
    """Sends a request to an engine that answers, through a stock httpx client."""
    client = httpx.Client(
        transport=LocalTransport(make_engine(llm=llm, embedder=angles)),
        base_url="https://local.invalid",
        headers={"Authorization": KEY},
    )

    def send(
        body: object = None, method: str = "POST", path: str = "/v1/cache/query", **options: Any
    ) -> httpx.Response:
        if isinstance(body, bytes):
            return client.request(method, path, content=body, **options)
        return client.request(method, path, json=GOOD if body is None else body, **options)

    with client:
        yield send


def test_miss_and_hit(send: Send) -> None:
    """A miss and a hit have the fields and the types of the description."""
    assert send().json() == {
        "cache_hit": False,
        "response": "answer 1 to 30",
        "similarity_score": None,
        "cost_saved": 0.0,
        "llm_provider": "openai",
    }
    hit = send({**GOOD, "prompt": "30 degrees", "include_debug": True})
    assert hit.status_code == 200
    assert hit.headers["content-type"] == "application/json"
    fields = hit.json()
    assert (fields["cache_hit"], fields["similarity_score"]) == (True, 1.0)
    assert fields["cost_saved"] > 0
    assert isinstance(fields["debug"]["cache_entry_count"], int)


def test_unknown_fields_are_ignored(send: Send) -> None:
    """Fields of a later version, and a ``project_id``, change nothing."""
    body = {**GOOD, "project_id": "p", "stream": True, "later": {"x": [1]}, "context": None}
    assert send(body).status_code == 200


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"model": "m"}, "Field required: prompt"),
        ({"prompt": "p"}, "Field required: model"),
        ({**GOOD, "similarity_threshold": 1.5}, "similarity_threshold must be between 0 and 1"),
        ({**GOOD, "similarity_threshold": -1}, "similarity_threshold must be between 0 and 1"),
        ({**GOOD, "similarity_threshold": "0.9"}, "similarity_threshold must be a number"),
        ({**GOOD, "similarity_threshold": None}, "similarity_threshold must be a number"),
        ({**GOOD, "similarity_threshold": True}, "similarity_threshold must be a number"),
        ({**GOOD, "prompt": None}, "prompt must be a string"),
        ({**GOOD, "prompt": ["p"]}, "prompt must be a string"),
        ({**GOOD, "prompt": ""}, "prompt must not be empty"),
        ({**GOOD, "prompt": "x" * 32_001}, "prompt must be at most 32,000 characters"),
        ({**GOOD, "model": 4}, "model must be a string"),
        ({**GOOD, "project_id": {}}, "project_id must be a string"),
        ({**GOOD, "project_id": None}, "project_id must be a string"),
        ({**GOOD, "context": 4}, "context must be a string"),
        ({**GOOD, "include_debug": 1}, "include_debug must be true or false"),
        ([GOOD], "the body must be a JSON object"),
        (b"", "the body must be JSON in UTF-8"),
        (b"{", "the body must be JSON in UTF-8"),
        (b"\xff\xfe", "the body must be JSON in UTF-8"),
        (b"[" * 100_000, "the body must be JSON in UTF-8"),
        (
            b'{"prompt": "p", "model": "m", "similarity_threshold": NaN}',
            "the body must be JSON in UTF-8",
        ),
        (b'{"prompt": "p", "model": "m", "later": Infinity}', "the body must be JSON in UTF-8"),
        (
            b'{"prompt": "p", "model": "m", "similarity_threshold": 1e999}',
            "similarity_threshold must be between 0 and 1",
        ),
        (
            b'{"prompt": "\\ud800", "model": "m"}',
            "prompt must be valid Unicode text, without lone surrogates",
        ),
    ],
)
def test_400(send: Send, llm: Recorder, body: object, detail: str) -> None:
    """Each wrong request is told what is wrong with it, and nothing is asked."""
    answer = send(body)
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
    assert llm.asked == []


def test_longest_prompt(send: Send, angles: Angles) -> None:
    """32,000 characters are accepted, whatever they are."""
    for prompt in ("unseen" + "x" * 31_994, "unseen" + "🙂" * 31_994):
        assert send({**GOOD, "prompt": prompt}).status_code == 200


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (KEY, 200),
        (KEY.upper().replace("VC_", "vc_"), 200),
        ("", 401),
        ("Bearer ", 401),
        ("Bearer vc_123", 401),
        (KEY + "0", 401),
        (KEY.replace("0", "g"), 401),
        (KEY.replace("Bearer", "Basic"), 401),
    ],
)
def test_401(send: Send, authorization: str, status: int) -> None:
    """Only a well-formed key gets through; the refusal does not repeat the key."""
    answer = send(headers={"Authorization": authorization})
    assert answer.status_code == status
    if status == 401:
        assert "API key" in answer.json()["detail"]
        assert "0123456789" not in answer.text


def test_401_without_a_header(make_engine: MakeEngine) -> None:
    """No key at all is told how to send one."""
    reply = respond(make_engine(), "POST", "/v1/cache/query", {}, json.dumps(GOOD).encode())
    assert reply.status == 401
    assert b"API key missing" in reply.body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 404),
        ("POST", "/v1/cache/query/", 404),
        ("GET", "/v1/cache/stats", 404),
        ("GET", "/v1/cache/query", 405),
        ("DELETE", "/v1/cache/query", 405),
    ],
)
def test_404_and_405(send: Send, method: str, path: str, status: int) -> None:
    """There is one path and one method."""
    answer = send(method=method, path=path)
    assert answer.status_code == status
    assert "POST /v1/cache/query" in answer.json()["detail"]
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)


def test_413(send: Send) -> None:
    """A body beyond a million bytes is refused unread."""
    assert send(b" " * 1_000_001).status_code == 413


def test_every_answer_has_its_own_request_id(send: Send) -> None:
    """Good or bad, an answer carries an id of 32 hexadecimal digits, never the same twice."""
    answers = [send(), send(), send(b"{"), send(path="/"), send(headers={"Authorization": ""})]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 5
    assert all(len(each) == 32 and int(each, 16) for each in ids)
    assert not any(name.startswith("x-ratelimit") for name in answers[0].headers)


def test_502(make_engine: MakeEngine, angles: Angles, caplog: pytest.LogCaptureFixture) -> None:
    """A failing LLM is a 502 with its text; the log has the place but never the text."""

    def llm(prompt: str, model: str, context: str | None) -> str:
        raise PermissionError(f"no access for {prompt}")

    engine = make_engine(llm=llm, embedder=angles)
    body = json.dumps({**GOOD, "prompt": "30 private"}).encode()
    with caplog.at_level(logging.DEBUG):
        reply = respond(engine, "POST", "/v1/cache/query", {"authorization": KEY}, body)
    assert reply.status == 502
    assert json.loads(reply.body) == {
        "detail": "llm raised PermissionError: no access for 30 private"
    }
    [record] = caplog.records
    assert (record.name, record.levelname) == ("vectorcache.local", "ERROR")
    assert "PermissionError" in caplog.text
    assert "in llm" in caplog.text
    assert reply.headers["x-request-id"] in caplog.text
    for secret in ("private", KEY):
        assert secret not in caplog.text


def test_500(make_engine: MakeEngine, angles: Angles, caplog: pytest.LogCaptureFixture) -> None:
    """A failure of our own is a 500 that says what happened, and a line in the log."""
    engine = make_engine(embedder=angles)
    engine.close()
    body = json.dumps(GOOD).encode()
    reply = respond(engine, "POST", "/v1/cache/query", {"authorization": KEY}, body)
    assert reply.status == 500
    assert "EngineClosedError: the local cache is closed" in json.loads(reply.body)["detail"]
    assert "EngineClosedError" in caplog.text


def test_500_of_an_unknown_kind(
    make_engine: MakeEngine, angles: Angles, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception of an embedder keeps its text to itself: it may quote the prompt."""
    engine = make_engine(embedder=angles)
    body = json.dumps({**GOOD, "prompt": "private"}).encode()
    reply = respond(engine, "POST", "/v1/cache/query", {"authorization": KEY}, body)
    assert reply.status == 500
    assert json.loads(reply.body) == {
        "detail": "ValueError: see the log vectorcache.local (VECTORCACHE_LOG=error)"
    }
    assert "private" not in caplog.text


def test_what_is_refused_unread() -> None:
    """A request that is refused before it is read gets the status, the reason and an id."""
    reply = refuse(413, "too long")
    assert (reply.status, json.loads(reply.body)) == (413, {"detail": "too long"})
    assert len(reply.headers["x-request-id"]) == 32


def test_the_headers_of_an_answer(make_engine: MakeEngine) -> None:
    """An answer names its type and its length, in lower case as HTTP/2 and ASGI want it."""
    reply = respond(make_engine(), "GET", "/v1/cache/query", {}, b"")
    assert list(reply.headers) == ["content-type", "content-length", "x-request-id", "allow"]
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-length"] == str(len(reply.body))


def test_a_part_to_compare(make_engine: MakeEngine, angles: Angles) -> None:
    """A caller in this process may name the part that is compared, with or without await."""
    engine = make_engine(embedder=angles)
    parts: list[tuple[str, str | None]] = [("Is it 30?", "30"), ("Is it 31?", "31"), ("60", None)]
    (first, one), (second, other), (third, whole) = (
        (json.dumps({**GOOD, "prompt": prompt}).encode(), part) for prompt, part in parts
    )
    request = (engine, "POST", "/v1/cache/query", {"authorization": KEY})
    assert respond(*request, first, one).status == 200
    assert asyncio.run(arespond(*request, second, other)).status == 200
    assert respond(*request, third, whole).status == 200
    assert angles.embedded == ["30", "31", "60"]


def test_messages_of_refusals(make_engine: MakeEngine) -> None:
    """A refusal's whole text says what is wrong and what to send."""
    engine = make_engine()

    def detail(headers: dict[str, str], body: bytes = b"") -> str:
        reply = respond(engine, "POST", "/v1/cache/query", headers, body)
        return str(json.loads(reply.body)["detail"])

    assert detail({}) == "API key missing: send Authorization: Bearer vc_..."
    invalid = "Invalid API key: it must be vc_ and 32 hexadecimal digits"
    assert detail({"authorization": "Bearer x"}) == invalid
    too_large = "Request body larger than 1,000,000 bytes"
    assert detail({"authorization": KEY}, b" " * 1_000_001) == too_large


def test_what_the_log_says(
    make_engine: MakeEngine, angles: Angles, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure's log line names what failed, the exception, the request and the place."""

    def llm(prompt: str, model: str, context: str | None) -> str:
        raise PermissionError("no access")

    engine = make_engine(llm=llm, embedder=angles)
    for prompt, what in (
        ("30", "the llm failed: PermissionError"),
        ("word", "the local cache failed: ValueError"),
    ):
        caplog.clear()
        body = json.dumps({**GOOD, "prompt": prompt}).encode()
        reply = respond(engine, "POST", "/v1/cache/query", {"authorization": KEY}, body)
        first, *frames = caplog.records[-1].getMessage().splitlines()
        assert first == f"{what} (request {reply.headers['x-request-id']})"
        assert frames[0].startswith("  File ") and "XX" not in "".join(frames)
