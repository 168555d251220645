"""Answers with status 200 whose content breaks the contract of the service."""

from __future__ import annotations

import json
from typing import Any

from faults.behaviour import CONTENT, answer, on_request
from faults.scenario import Answers, Group, Raises, Scenario
from servers import HIT, MISS

from vectorcache import APIResponseError

DEBUG = {
    "embedding_time_ms": 1,
    "search_time_ms": 2.5,
    "total_time_ms": 4,
    "matched_cache_entry_id": None,
    "cache_entry_count": 3,
}


def broken(fault: str, raw: bytes, says: str) -> Scenario:
    return Scenario(
        fault=fault,
        promise="`APIResponseError` that names the problem, after one retry.",
        rest=on_request(answer(raw=raw, headers={"Content-Type": "application/json"})),
        sees=Raises(
            APIResponseError,
            2,
            ("sent an answer that cannot be used", says, "check that base_url leads to"),
            status=200,
        ),
        requests=2,
        connections=1,
    )


def changed(fault: str, says: str, **fields: Any) -> Scenario:
    return broken(fault, json.dumps({**HIT, **fields}).encode(), says)


def without(name: str) -> Scenario:
    fields = {key: value for key, value in HIT.items() if key != name}
    return broken(f"No `{name}`", json.dumps(fields).encode(), f"its field '{name}' is missing")


def understood(
    fault: str, promise: str, value: Any, extra: Any = None, sent: Any = None
) -> Scenario:
    raw = json.dumps(value).encode() if sent is None else sent
    return Scenario(
        fault=fault,
        promise=promise,
        rest=on_request(answer(raw=raw)),
        query={"include_debug": True},
        sees=Answers(value=value, extra=extra or {}),
        requests=1,
    )


def digits(count: int) -> bytes:
    return CONTENT.replace(b"0.0023", count * b"9")


GROUP = Group(
    "Payload",
    (
        broken("A sign-in page", b"<html>Please log in</html>", "it is not JSON"),
        broken("Invalid JSON", b'{"cache_hit": true,}', "it is not JSON"),
        broken("Two JSON objects", CONTENT + CONTENT, "it is not JSON"),
        broken("An event stream", b"data: " + CONTENT + b"\n\n", "it is not JSON"),
        broken("A list instead of an object", b"[" + CONTENT + b"]", "it is not a JSON object"),
        broken("`null` instead of an object", b"null", "it is not a JSON object"),
        broken("A text instead of an object", b'"hello"', "it is not a JSON object"),
        broken("A number instead of an object", b"42", "it is not a JSON object"),
        broken("An empty object", b"{}", "is missing"),
        broken("An error with status 200", b'{"detail": "no"}', "'cache_hit' is missing"),
        *map(without, ("cache_hit", "response", "cost_saved", "llm_provider")),
        changed("`cache_hit` as a text", "'cache_hit' is not a valid boolean", cache_hit="true"),
        changed("`cache_hit` as a number", "'cache_hit' is not a valid boolean", cache_hit=1),
        changed("`cache_hit` is null", "'cache_hit' is not a valid boolean", cache_hit=None),
        changed("`response` is null", "'response' is not a valid string", response=None),
        changed(
            "`response` as an object", "'response' is not a valid string", response={"text": "x"}
        ),
        changed("`cost_saved` as a text", "'cost_saved' is not a valid number", cost_saved="0.1"),
        changed("`cost_saved` as a boolean", "'cost_saved' is not a valid number", cost_saved=True),
        changed("`similarity_score` as a text", "is not a valid number", similarity_score="0.9"),
        changed(
            "`llm_provider` as a list", "'llm_provider' is not a valid string", llm_provider=["a"]
        ),
        changed("`debug` as a list", "'debug' is not a JSON object", debug=[]),
        changed("`debug` is null", "'debug' is not a JSON object", debug=None),
        changed(
            "A time in `debug` as a text",
            "'debug.total_time_ms' is not a valid number",
            debug={**DEBUG, "total_time_ms": "4"},
        ),
        changed(
            "A count in `debug` with a fraction",
            "'debug.cache_entry_count' is not a valid integer",
            debug={**DEBUG, "cache_entry_count": 1.5},
        ),
        broken("A number that is `NaN`", CONTENT.replace(b"0.94", b"NaN"), "NaN"),
        broken("A number that is `Infinity`", CONTENT.replace(b"0.94", b"Infinity"), "Infinity"),
        broken("A number that is `-Infinity`", CONTENT.replace(b"0.94", b"-Infinity"), "-Infinity"),
        broken(
            "A number too large for a float",
            CONTENT.replace(b"0.94", b"1e999"),
            "is not a valid number",
        ),
        broken("A number of 400 digits", digits(400), "'cost_saved' is not a valid number"),
        broken("A number of 10,000 digits", digits(10_000), "it is not JSON"),
        broken("Hostile nesting of lists", 200_000 * b"[", "nested too deeply"),
        broken("Hostile nesting of objects", 200_000 * b'{"a":', "nested too deeply"),
        broken(
            "Hostile nesting in an unknown field",
            b'{"x": ' + 200_000 * b"[" + 200_000 * b"]" + b"}",
            "nested too deeply",
        ),
        broken(
            "JSON with bytes that are not UTF-8",
            CONTENT.replace(b"Machine", b"\xff\xfe"),
            "not JSON",
        ),
        broken("JSON in UTF-16", CONTENT.decode().encode("utf-16"), "not JSON"),
        broken("JSON in UTF-32", CONTENT.decode().encode("utf-32"), "not JSON"),
        broken("JSON in Latin-1", CONTENT.replace(b"Machine", b"Caf\xe9"), "not JSON"),
        broken("A raw line end in a text", CONTENT.replace(b"Machine", b"Ma\nchine"), "not JSON"),
        broken("JSON with comments", b"/* hit */" + CONTENT, "not JSON"),
        Scenario(
            fault="An invalid payload, once",
            promise="Retried once, and then answered.",
            steps=(on_request(answer(raw=b"{")),),
            sees=Answers(attempts=2),
            requests=2,
        ),
        understood(
            "Unknown fields",
            "The call returns the answer, which includes the unknown fields.",
            HIT,
            extra={"tokens_saved": 17, "nested": {"a": [None]}},
            sent=json.dumps({**HIT, "tokens_saved": 17, "nested": {"a": [None]}}).encode(),
        ),
        understood(
            "A miss, with a null score and an integer 0", "The call returns the answer.", MISS
        ),
        understood(
            "No `similarity_score`",
            "The call returns the answer, whose `similarity_score` is None.",
            {**MISS, "similarity_score": None},
            sent=json.dumps({k: v for k, v in MISS.items() if k != "similarity_score"}).encode(),
        ),
        understood(
            "Whole numbers in `debug`", "The call returns the answer.", {**HIT, "debug": DEBUG}
        ),
        understood(
            "A byte order mark", "The call returns the answer.", HIT, sent=b"\xef\xbb\xbf" + CONTENT
        ),
        understood(
            "A text in several scripts, with a zero character",
            "The call returns the answer, character for character.",
            {**HIT, "response": "Größe 大小 حجم 🙂\x00\u2028"},
        ),
        understood("An empty text", "The call returns the answer.", {**HIT, "response": ""}),
        understood(
            "A field given twice",
            "The last value counts, as is usual in JSON.",
            HIT,
            sent=b'{"response": "first", ' + CONTENT[1:],
        ),
        Scenario(
            fault="A text with half of a surrogate pair",
            promise="The call returns the answer, which keeps that half.",
            rest=on_request(answer(raw=CONTENT.replace(b"Machine", b"\\ud83d"))),
            sees=Answers(value={"response": "\ud83d learning is ..."}),
            requests=1,
        ),
        Scenario(
            fault="JSON with the content type of plain text",
            promise="The call returns the answer.",
            rest=on_request(answer(raw=CONTENT, headers={"Content-Type": "text/plain"})),
            sees=Answers(),
            requests=1,
        ),
    ),
)
