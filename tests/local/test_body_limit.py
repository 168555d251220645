"""How long a request's body may be, and what of a longer one is read."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from local.stand_ins import Angles, Recorder

from vectorcache.local import Engine, app
from vectorcache.local.endpoint import MAX_BODY, respond

HEADERS = {"authorization": "Bearer vc_" + "a" * 32}
QUERY = json.dumps({"prompt": "30", "model": "gpt-4o"}).encode()
CHUNK = 1_000


@pytest.fixture
def engine(llm: Recorder, angles: Angles) -> Iterator[Engine]:
    with Engine(llm=llm, embedder=angles) as engine:
        yield engine


def status(engine: Engine, body: bytes) -> int:
    return respond(engine, "POST", "/v1/cache/query", HEADERS, body).status


def test_the_limit(engine: Engine, llm: Recorder) -> None:
    """A million bytes are accepted, and one more is refused before anything is asked."""
    assert MAX_BODY == 1_000_000
    assert status(engine, QUERY.ljust(MAX_BODY + 1)) == 413
    assert llm.asked == []
    assert status(engine, QUERY.ljust(MAX_BODY)) == 200


def test_the_longest_prompt_fits(engine: Engine) -> None:
    """32,000 characters fit, even if each is written as two escapes."""
    body = json.dumps({"prompt": "unseen" + "🙂" * 31_994, "model": "gpt-4o"}).encode()
    assert status(engine, body) == 200


def sent(*chunks: bytes, then: bytes | None = None) -> tuple[int, int]:
    """The status of a request in these chunks, or in chunks without end; and how many were read."""
    taken = 0
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        body = chunks[taken] if taken < len(chunks) else then
        taken += 1
        assert body is not None
        more = taken < len(chunks) or then is not None
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    headers.append((b"host", b"127.0.0.1"))
    scope = {"type": "http", "method": "POST", "path": "/v1/cache/query", "headers": headers}
    application = app(llm=lambda prompt, model, context: "answer", embedder=Angles())
    asyncio.run(application({**scope, "query_string": b""}, receive, send))
    application.state.engine.close()
    return statuses[0], taken


def test_a_body_in_parts() -> None:
    """A body that comes in parts is put together, up to the limit."""
    assert sent(QUERY[:10], QUERY[10:]) == (200, 2)
    parts = [QUERY.ljust(CHUNK), *[b" " * CHUNK] * 999]
    assert sent(*parts) == (200, 1_000)
    assert sent(*parts, b" ") == (413, 1_001)


def test_a_body_without_end() -> None:
    """No more is read than it takes to see that it is too long."""
    assert sent(then=b" " * CHUNK) == (413, 1_001)
