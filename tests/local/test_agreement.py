"""The endpoint and openapi.yaml agree on what a request may be."""

import json
from typing import Any

import pytest
from description.document import SCHEMAS, is_valid
from hypothesis import given, settings
from hypothesis import strategies as st
from local.bodies import FIELDS, GOOD, JSON, reply_to


@pytest.mark.repository
@settings(deadline=None)
@given(
    changed=st.dictionaries(
        st.sampled_from((*FIELDS, "later")), st.one_of(JSON, st.floats(0, 1), st.text()), max_size=2
    ),
    missing=st.sets(st.sampled_from(FIELDS), max_size=1),
)
def test_agrees_with_the_description(changed: dict[str, Any], missing: set[str]) -> None:
    """The endpoint takes just what openapi.yaml allows: nothing more, and nothing less."""
    body = {name: value for name, value in (GOOD | changed).items() if name not in missing}
    status, answer = reply_to(json.dumps(body).encode())
    assert status == (200 if is_valid(body, SCHEMAS["QueryRequest"]) else 400)
    if status == 200:
        assert is_valid(answer, SCHEMAS["QueryResponse"])
