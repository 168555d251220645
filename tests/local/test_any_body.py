"""The endpoint answers any body with JSON and a documented status."""

import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorcache.local import Engine
from vectorcache.local.embedder import Vector
from vectorcache.local.endpoint import respond

KEY = "Bearer vc_" + "0123456789abcdef" * 2


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


# The time limit of an example is off: a busy machine is not a failure.
@settings(deadline=None)
@given(body=st.binary() | st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_body_is_answered(body: object) -> None:
    """Whatever arrives, the answer is JSON with a documented status."""
    status, fields = reply_to(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert status in (200, 400)
    assert isinstance(fields, dict)
