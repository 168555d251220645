"""``vectorcache query``."""

from __future__ import annotations

import json

import pytest
from cli.conftest import CLI
from clients import KEY
from servers import HIT, MISS, ScriptedServer, answer


def test_the_answer_and_how_it_came(cli: CLI) -> None:
    """The answer alone is on standard output; hit, score, saving and time on standard error."""
    done = cli("query", "What is machine learning?")
    assert done.code == 0
    assert done.out == "Machine learning is ...\n"
    assert done.err.startswith("hit · score 0.940 · saved $0.0023 · ")


def test_a_miss(cli: CLI, server: ScriptedServer) -> None:
    """A miss says which provider answered."""
    server.default = answer(MISS)
    assert cli("query", "What is machine learning?").err.startswith("miss · answered by openai · ")


def test_what_is_sent(cli: CLI, server: ScriptedServer) -> None:
    """Options reach the service; the key goes along from the environment."""
    cli("query", "Q", "-m", "gpt-4o-mini", "--threshold", "0.9", "--context", "legal")
    (request,) = server.requests
    assert request.json() == {
        "prompt": "Q",
        "model": "gpt-4o-mini",
        "similarity_threshold": 0.9,
        "context": "legal",
        "include_debug": False,
    }
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_json(cli: CLI, server: ScriptedServer) -> None:
    """``--json`` writes one line: the service's fields and how they came."""
    server.default = answer(headers={"X-Request-ID": "r-1"})
    done = cli("query", "Q", "--json")
    fields = json.loads(done.out)
    assert done.out.count("\n") == 1
    assert {name: fields[name] for name in HIT} == HIT
    assert (fields["request_id"], fields["attempts"]) == ("r-1", 1)
    assert fields["elapsed"] > 0


@pytest.mark.parametrize("text", ["What is ML?", "Was heißt »ML«?\nUnd „AI“? 🙂", " x "])
def test_the_prompt_on_standard_input(cli: CLI, server: ScriptedServer, text: str) -> None:
    """Without a prompt, it is what comes on standard input, without the line end behind it."""
    assert cli("query", stdin=f"{text}\n".encode()).code == 0
    assert server.requests[0].json()["prompt"] == text


def test_a_byte_order_mark_is_left_out(cli: CLI, server: ScriptedServer) -> None:
    """Files of Windows often begin with one."""
    cli("query", stdin=b"\xef\xbb\xbfQ\r\n")
    assert server.requests[0].json()["prompt"] == "Q"


@pytest.mark.parametrize(
    ("stdin", "message"), [(b"", "prompt is empty"), (b"a\nb\xff\xfe", "line 2, is not UTF-8")]
)
def test_no_prompt_on_standard_input(
    cli: CLI, server: ScriptedServer, stdin: bytes, message: str
) -> None:
    """An empty prompt, or one that is not text, is wrong usage, and is not sent."""
    done = cli("query", stdin=stdin)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert server.requests == []


def test_unicode(cli: CLI, server: ScriptedServer) -> None:
    """Any text goes there and comes back as it is."""
    server.default = answer({**HIT, "response": "日本語 🙂 ñ"})
    assert cli("query", "日本語?").out == "日本語 🙂 ñ\n"
    assert json.loads(cli("query", "日本語?", "--json").out)["response"] == "日本語 🙂 ñ"
    assert server.requests[0].json()["prompt"] == "日本語?"


@pytest.mark.parametrize("prompt", ["-5 + 3?", "--json", "-", "--api-key"])
def test_a_prompt_that_begins_with_a_dash(cli: CLI, server: ScriptedServer, prompt: str) -> None:
    """Behind ``--`` everything is the prompt."""
    assert cli("query", "--", prompt).code == 0
    assert server.requests[0].json()["prompt"] == prompt


def test_a_dash_without_the_two(cli: CLI) -> None:
    """Where ``--`` was forgotten, the message says so."""
    done = cli("query", "-x of what?")
    assert done.code == 2
    assert "begins with a dash and is not an option comes after --" in done.err


def test_words_without_quotes(cli: CLI, server: ScriptedServer) -> None:
    """The most frequent slip: several words without quotes are not taken for a shorter prompt."""
    done = cli("query", "What", "is", "ML?")
    assert done.code == 2
    assert "there is no place for 'is', 'ML?': put quotes around" in done.err
    assert server.requests == []


def test_debug_info(cli: CLI, server: ScriptedServer) -> None:
    """``--debug-info`` shows how the service came to its answer."""
    server.default = answer({**HIT, "debug": {"total_time_ms": 12.5, "cache_entry_count": 3}})
    done = cli("query", "Q", "--debug-info")
    assert done.out == "Machine learning is ...\n"
    assert "total_time_ms: 12.5\n" in done.err
    assert (
        json.loads(cli("query", "Q", "--debug-info", "--json").out)["debug"]["total_time_ms"]
        == 12.5
    )
    assert server.requests[0].json()["include_debug"] is True


def test_without_debug_info(cli: CLI) -> None:
    """A service that sends no debug information does not make the command fail."""
    assert "debug: the service sent none" in cli("query", "Q", "--debug-info").err


def test_local(cli: CLI, without_key: None, server: ScriptedServer) -> None:
    """``--local`` needs no key and no network; ``--path`` keeps the cache for the next time."""
    for hit in (False, True):
        done = cli("query", "What is ML?", "--local", "--path", "cache.db", "--json")
        assert done.code == 0
        assert json.loads(done.out)["cache_hit"] is hit
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--local", "--base-url", "http://localhost"], "--local asks no other service"),
        (["--path", "x.db"], "add --local"),
        (["--threshold", "2"], "--threshold is 2.0"),
        (["--deadline", "0"], "--deadline is 0.0"),
        (["--timeout", "-1"], "--timeout is -1.0"),
        (["--max-retries", "-1"], "--max-retries is -1"),
        (["--base-url", "http://example.com"], "use https://, or pass --allow-insecure-http"),
        (["--base-url", "nothing"], "--base-url is 'nothing'"),
        (["--model", " "], "model is blank"),
        (["--treshold", "1"], "Unknown option: --treshold"),
        (["--threshold", "x"], 'unable to convert "x" into float'),
    ],
)
def test_invalid_options(
    cli: CLI, server: ScriptedServer, options: list[str], message: str
) -> None:
    """Wrong options end with 2, name the option, and send nothing."""
    done = cli("query", "Q", *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert server.requests == []
