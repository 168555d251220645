"""Reads a body: unpacks it, checks it against the contract, parses it, and makes a result of it.

The first line of the input is the body's coding (``packed`` if the body is to be compressed first),
the second the size of the pieces that it arrives in, and the rest is the body.
"""

from __future__ import annotations

import gzip
import json

import httpx

from targets.promises import lines_of
from vectorcache import ResponseMeta
from vectorcache._call.answer import CheckedAnswer
from vectorcache._call.body import BodyReader, UnusableAnswer
from vectorcache._response import response_from_parsed
from vectorcache_api.models import QueryResponse

LIMIT = 100_000


def check(data: bytes) -> None:
    coding, size, body = lines_of(data, 2)
    if coding == "packed":
        coding, body = "gzip", gzip.compress(body, 1, mtime=0)
    step = int(size) if size.isascii() and size.isdigit() and 0 < len(size) < 6 else 1_000
    reader = BodyReader(coding, LIMIT)
    for start in range(0, len(body), max(step, 1)):
        if not reader.feed(body[start : start + max(step, 1)]):
            break
    try:
        content = reader.content()
        assert len(content) <= LIMIT
        answer = CheckedAnswer(200, httpx.Headers(), content)
    except UnusableAnswer:
        return
    result = response_from_parsed(QueryResponse.from_dict(answer.json()), ResponseMeta())
    assert isinstance(result.cache_hit, bool)
    assert isinstance(result.response, str)
    assert isinstance(result.llm_provider, str)
    assert result.cost_saved >= 0
    sent = json.loads(content.decode("utf-8-sig"))
    assert {name: result.to_dict()[name] for name in sent if name != "debug"} == {
        name: value for name, value in sent.items() if name != "debug"
    }
