"""The example of an app that moves from OpenAI to Vectorcache, run as a program."""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clients import KEY
from servers import Received, ScriptedServer, answer

pytestmark = pytest.mark.repository

EXAMPLE = Path(__file__).parents[2] / "examples" / "from_openai"


@pytest.fixture
def openai_itself() -> Iterator[ScriptedServer]:
    """A server that stands for OpenAI's; its answers say so."""

    def respond(request: Received) -> bytes:
        question = request.json()["messages"][0]["content"]
        message = {"role": "assistant", "content": f"OpenAI says to: {question}"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return answer(
            {
                "id": "a",
                "object": "chat.completion",
                "created": 0,
                "model": "gpt-4o",
                "choices": [choice],
            }
        )

    with ScriptedServer() as server:
        server.respond = respond
        yield server


def run(program: str, openai_url: str, cache_url: str, question: str) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLE / program, question],
        env={
            **os.environ,
            "OPENAI_API_KEY": "sk-nobodys",
            "OPENAI_BASE_URL": openai_url,
            "VECTORCACHE_API_KEY": KEY,
            "VECTORCACHE_BASE_URL": cache_url,
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_before_and_after(openai_itself: ScriptedServer, service: str) -> None:
    """Before, the app asks OpenAI; after, the cache answers without OpenAI."""
    before = run("before.py", openai_itself.url, service, "How do I reset my password?")
    assert before == "OpenAI says to: How do I reset my password?"
    openai_itself.requests.clear()

    first = run("after.py", openai_itself.url, service, "How do I reset my password?")
    again = run("after.py", openai_itself.url, service, "How can I reset my password?")
    assert first == again == "gpt-4o says to 'How do I reset my password?': hello, you"
    assert openai_itself.requests == []


def test_the_cache_cannot_answer(openai_itself: ScriptedServer, server: ScriptedServer) -> None:
    """If the cache cannot answer, OpenAI is asked, and old ``except`` clauses still work."""
    server.default = answer({"detail": "not cacheable"}, status=422)
    answered = run("after.py", openai_itself.url, server.url, "How high is Mont Blanc?")
    assert answered == "OpenAI says to: How high is Mont Blanc?"
    server.default = answer({"current_usage": 1, "monthly_limit": 1}, status=429)
    answered = run("after.py", openai_itself.url, server.url, "How high is Mont Blanc?")
    assert answered == "Too many questions at the moment: ask again in a minute."
    assert json.loads(openai_itself.requests[0].body)["model"] == "gpt-4o"


def test_ten_lines() -> None:
    """The app changes ten lines, without empty lines and the docstrings of the files."""
    before, after = (
        (EXAMPLE / name).read_text().splitlines()[1:] for name in ("before.py", "after.py")
    )
    changed = [
        line
        for line in difflib.ndiff(before, after)
        if line.startswith(("- ", "+ ")) and line[2:].strip()
    ]
    assert len(changed) <= 10, changed
