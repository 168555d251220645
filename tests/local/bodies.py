"""Bodies of requests, and what a new engine answers to them."""

import json
from typing import Any

import numpy as np
from hypothesis import strategies as st

from vectorcache.local import Engine
from vectorcache.local.embedder import Vector
from vectorcache.local.endpoint import respond

KEY = "Bearer vc_" + "0123456789abcdef" * 2


GOOD = {"prompt": "30", "model": "gpt-4o"}


FINITE = st.floats(allow_nan=False, allow_infinity=False)


JSON = st.recursive(
    st.none() | st.booleans() | FINITE | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


FIELDS = ("prompt", "model", "similarity_threshold", "context", "include_debug", "project_id")


class One:
    """An embedder to which all prompts are the same."""

    id = "one"

    def embed(self, prompt: str) -> Vector:
        return np.ones(1, dtype=np.float32)


def reply_to(body: bytes) -> tuple[int, Any]:
    """Status and JSON that a new engine answers with."""
    with Engine(embedder=One()) as engine:
        reply = respond(engine, "POST", "/v1/cache/query", {"authorization": KEY}, body)
    return reply.status, json.loads(reply.body)
