"""Reading an answer: sizes, compression and the contract."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from clients import AnyClient
from hypothesis import given
from hypothesis import strategies as st
from servers import HIT, ScriptedServer, answer

from vectorcache._call.answer import _DEBUG_FIELDS, _FIELDS
from vectorcache._call.body import BodyReader, UnusableAnswer, parse_json

HIT_JSON = answer().partition(b"\r\n\r\n")[2]


def compressed(content: bytes, encoding: str = "gzip") -> bytes:
    return answer(raw=content, headers={"Content-Encoding": encoding})


def test_gzip_is_asked_for_and_understood(client: AnyClient, server: ScriptedServer) -> None:
    """Answers may be compressed with gzip, the one encoding that is asked for."""
    server.script = [compressed(gzip.compress(HIT_JSON))]
    assert client.query("Q", "m").response == HIT["response"]
    assert server.requests[0].headers["accept-encoding"] == "gzip"


def test_a_gzip_bomb_costs_no_memory() -> None:
    """200 MB packed into 200 kB are stopped at the limit, at a small multiple of its memory."""
    bomb = gzip.compress(bytes(200_000_000), compresslevel=6)
    tracemalloc.start()
    try:
        reader = BodyReader("gzip", 10_000_000)
        chunks = [bomb[start : start + 65_536] for start in range(0, len(bomb), 65_536)]
        assert False in [reader.feed(chunk) for chunk in chunks]
        with pytest.raises(UnusableAnswer, match="max_response_bytes"):
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

    description = yaml.safe_load(Path(__file__).parents[2].joinpath("openapi.yaml").read_text())
    schema = description["components"]["schemas"][schema_name]
    promised = {
        name: (name in schema.get("required", []), *reversed(schema_types(field)))
        for name, field in schema["properties"].items()
        if "$ref" not in field
    }
    checked = {name: (required, nullable, kind) for name, required, nullable, kind, _ in fields}
    assert checked == promised
