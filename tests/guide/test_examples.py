"""The guide's examples: the chatbot with its counts, the retry loop, the batch."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest
from clients import KEY
from guide.exchange import LoadApplication
from servers import HIT, MISS, ScriptedServer, answer

from vectorcache import APITimeoutError, RateLimitError, VectorcacheClient

RATE_LIMITED = answer(
    {"error": "rate_limit_exceeded", "message": "Slow down.", "retry_after": 0.01}, status=429
)


def never_answer(connection: socket.socket) -> None:
    """Waits until the client has given up."""
    connection.recv(1)


def test_chatbot_counts_hits_and_savings(
    load: LoadApplication, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guide's chatbot answers, and reports its hit rate and the money it saved."""
    server.script = [answer(MISS), answer({**HIT, "response": "ML is machine learning."})]
    bot = load("guide_chatbot").bot
    with contextlib.closing(bot.client):
        assert capsys.readouterr().out.splitlines() == [
            "Machine learning is ...",
            "ML is machine learning.",
            "{'total_queries': 2, 'cache_hits': 1, 'hit_rate': '50.0%', 'total_saved': '$0.0023'}",
        ]
        assert bot.chat("What does ML mean?") == HIT["response"]
        assert bot.get_stats() == {
            "total_queries": 3,
            "cache_hits": 2,
            "hit_rate": "66.7%",
            "total_saved": "$0.0046",
        }
    assert [request.json()["prompt"] for request in server.requests] == [
        "What is machine learning?",
        "Explain ML",
        "What does ML mean?",
    ]
    assert {request.json()["context"] for request in server.requests} == {"customer-support"}
    assert server.connections == 1


def test_retry_loop_waits_out_a_rate_limit(
    load: LoadApplication, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A retry loop of the user can read ``status_code`` and ``retry_after`` of each error."""
    server.script = [RATE_LIMITED, RATE_LIMITED]
    query_with_retry = load("guide_retry").query_with_retry
    began = time.monotonic()
    with VectorcacheClient(KEY, server.url, max_retries=0) as client:
        result = query_with_retry(client, "What is ML?", "gpt-4o")
    assert result["cache_hit"]
    assert time.monotonic() - began >= 0.02
    assert capsys.readouterr().out == 2 * "Rate limited, retrying in 0.01s...\n"
    assert len(server.requests) == 3


def test_retry_loop_gives_up(load: LoadApplication, server: ScriptedServer) -> None:
    """A retry loop of the user that gives up raises the error of its last attempt."""
    server.default = RATE_LIMITED
    query_with_retry = load("guide_retry").query_with_retry
    with (
        VectorcacheClient(KEY, server.url, max_retries=0) as client,
        pytest.raises(RateLimitError, match="Slow down"),
    ):
        query_with_retry(client, "What is ML?", "gpt-4o")
    assert len(server.requests) == 3


def test_retry_loop_repeats_a_timeout(
    load: LoadApplication, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A retry loop of the user can catch a timeout, and retry."""
    server.script = [never_answer]
    query_with_retry = load("guide_retry").query_with_retry
    with VectorcacheClient(KEY, server.url, max_retries=0, timeout=0.5) as client:
        result = query_with_retry(client, "What is ML?", "gpt-4o")
    assert result.response == HIT["response"]
    assert capsys.readouterr().out == "Timeout, retrying... (attempt 1)\n"


def test_retry_loop_passes_the_last_timeout_on(
    load: LoadApplication, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A retry loop of the user that gets only timeouts ends with a TimeoutError."""
    server.default = never_answer
    query_with_retry = load("guide_retry").query_with_retry
    with (
        VectorcacheClient(KEY, server.url, max_retries=0, timeout=0.1) as client,
        pytest.raises(APITimeoutError) as caught,
    ):
        query_with_retry(client, "What is ML?", "gpt-4o", max_retries=2)
    assert isinstance(caught.value, TimeoutError)
    assert capsys.readouterr().out == "Timeout, retrying... (attempt 1)\n"


def test_retry_loop_is_not_needed(
    load: LoadApplication, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The client itself waits and retries, so that the first call of a loop succeeds."""
    server.script = [RATE_LIMITED, RATE_LIMITED]
    query_with_retry = load("guide_retry").query_with_retry
    with VectorcacheClient(KEY, server.url) as client:
        result = query_with_retry(client, "What is ML?", "gpt-4o")
    assert result.meta.attempts == 3
    assert capsys.readouterr().out == ""


def test_batch_prints_its_hit_rate(
    load: LoadApplication, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prompts gathered at once on the async client are all answered, and read as mappings."""
    server.script = [answer(MISS)]
    load("guide_batch")
    assert capsys.readouterr().out == "Cache hit rate: 66.7%\n"
    assert {request.json()["prompt"] for request in server.requests} == {
        "What is machine learning?",
        "Explain deep learning",
        "What are neural networks?",
    }
