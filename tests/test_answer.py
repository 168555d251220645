"""Reading an answer: sizes, compression and the contract."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from clients import AnyClient, MakeClient
from hypothesis import given
from hypothesis import strategies as st
from servers import HIT, ScriptedServer, answer

from vectorcache import APIResponseError
from vectorcache._answer import (
    _DEBUG_FIELDS,
    _FIELDS,
    BodyReader,
    UnreadableAnswer,
    parse_json,
)

HIT_JSON = answer().partition(b"\r\n\r\n")[2]


def compressed(content: bytes, encoding: str = "gzip") -> bytes:
    return answer(raw=content, headers={"Content-Encoding": encoding})


def test_gzip_is_asked_for_and_understood(client: AnyClient, server: ScriptedServer) -> None:
    """Answers may be compressed with gzip, the one encoding that is asked for."""
    server.script = [compressed(gzip.compress(HIT_JSON))]
    assert client.query("Q", "m").response == HIT["response"]
    assert server.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        (HIT_JSON, "gzip", "broken"),
        (gzip.compress(HIT_JSON)[:-9], "gzip", "breaks off"),
        (gzip.compress(HIT_JSON) + b"more", "gzip", "more after the end"),
        (gzip.compress(gzip.compress(HIT_JSON)), "gzip", "not JSON"),
        (gzip.compress(HIT_JSON), "gzip, gzip", "not gzip"),
        (zlib.compress(HIT_JSON), "deflate", "not gzip"),
        (HIT_JSON, "br", "not gzip"),
    ],
)
def test_compression_that_is_broken(
    client: AnyClient, server: ScriptedServer, content: bytes, encoding: str, said: str
) -> None:
    """Corrupt, stacked and unasked-for encodings are errors that say so."""
    server.default = compressed(content, encoding)
    with pytest.raises(APIResponseError, match=said):
        client.query("Q", "m")


def test_large_answers_are_stopped(make_client: MakeClient, server: ScriptedServer) -> None:
    """An answer above max_response_bytes is not taken; one at the limit is."""
    client = make_client(max_response_bytes=len(HIT_JSON))
    assert client.query("Q", "m").cache_hit
    server.default = answer(raw=HIT_JSON + b" ")
    with pytest.raises(APIResponseError, match="max_response_bytes"):
        client.query("Q", "m")


def test_a_gzip_bomb_costs_no_memory() -> None:
    """200 MB packed into 200 kB are stopped at the limit, at a small multiple of its memory."""
    bomb = gzip.compress(bytes(200_000_000), compresslevel=6)
    tracemalloc.start()
    try:
        reader = BodyReader("gzip", 10_000_000)
        chunks = [bomb[start : start + 65_536] for start in range(0, len(bomb), 65_536)]
        assert False in [reader.feed(chunk) for chunk in chunks]
        with pytest.raises(UnreadableAnswer, match="max_response_bytes"):
            reader.content()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000


@given(st.binary(max_size=2_000), st.integers(1, 300), st.booleans())
def test_chunks_do_not_matter(content: bytes, size: int, packed: bool) -> None:
    """A body is the same however the network cuts it."""
    sent = gzip.compress(content) if packed else content
    reader = BodyReader("gzip" if packed else "", 2_000)
    for start in range(0, len(sent), size):
        assert reader.feed(sent[start : start + size])
    assert reader.content() == content
    assert reader.received == len(sent)


@given(st.binary())
def test_any_bytes_are_json_or_an_error(content: bytes) -> None:
    """Whatever arrives, reading it as JSON gives a value or a ValueError."""
    try:
        parse_json(content)
    except ValueError:
        return


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not JSON"),
        (b"<html>Welcome</html>", "not JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"cache_hit": true}', "'response' is missing"),
        (b'{"cache_hit": 1, "response": "", "cost_saved": 0, "llm_provider": ""}', "no boolean"),
        (b'{"cache_hit": true, "response": 1, "cost_saved": 0, "llm_provider": ""}', "no string"),
        (
            b'{"cache_hit": true, "response": "", "cost_saved": true, "llm_provider": ""}',
            "no number",
        ),
        (
            b'{"cache_hit": true, "response": "", "cost_saved": 1e999, "llm_provider": ""}',
            "no number",
        ),
        (b'{"cache_hit": true, "response": "", "cost_saved": NaN, "llm_provider": ""}', "NaN"),
        (
            b'{"cache_hit": true, "response": "", "cost_saved": 1' + 400 * b"0" + b","
            b'"llm_provider": ""}',
            "no number",
        ),
        (200_000 * b"[", "nested"),
        (b'{"response": "\xff"}', "not JSON"),
        (b'{"cost_saved": ' + 5_000 * b"1" + b"}", "not JSON"),
        (
            b'{"cache_hit": true, "response": "", "cost_saved": 0, "llm_provider": "", '
            b'"debug": []}',
            "'debug' is no JSON object",
        ),
        (
            b'{"cache_hit": true, "response": "", "cost_saved": 0, "llm_provider": "", '
            b'"debug": {"cache_entry_count": 1.5}}',
            "'debug.cache_entry_count' is no integer",
        ),
    ],
)
def test_an_answer_that_breaks_the_contract(
    client: AnyClient, server: ScriptedServer, raw: bytes, said: str
) -> None:
    """What is not the promised answer is an error that says why and has it, after one retry."""
    server.default = answer(raw=raw)
    with pytest.raises(APIResponseError, match=said) as caught:
        client.query("Q", "m")
    assert caught.value.status_code == 200
    assert len(server.requests) == caught.value.attempts == 2
    assert (caught.value.body is None) == (raw == b"")


def schema_types(schema: dict[str, Any]) -> tuple[str, bool]:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return next(name for name in types if name != "null"), "null" in types


@pytest.mark.repository
@pytest.mark.parametrize(
    ("schema_name", "fields"), [("QueryResponse", _FIELDS), ("DebugInfo", _DEBUG_FIELDS)]
)
def test_the_contract_is_the_descriptions(schema_name: str, fields: Any) -> None:
    """What is checked of an answer is what openapi.yaml promises, field by field."""
    import yaml

    description = yaml.safe_load(Path(__file__).parents[1].joinpath("openapi.yaml").read_text())
    schema = description["components"]["schemas"][schema_name]
    promised = {
        name: (name in schema.get("required", []), *reversed(schema_types(field)))
        for name, field in schema["properties"].items()
        if "$ref" not in field
    }
    checked = {name: (required, nullable, kind) for name, required, nullable, kind, _ in fields}
    assert checked == promised
