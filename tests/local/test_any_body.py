"""The endpoint answers any body with JSON and a documented status."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from local.bodies import FIELDS, JSON, reply_to


# The time limit of an example is off: a busy machine is not a failure.
@settings(deadline=None)
@given(body=st.binary() | st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_body_is_answered(body: object) -> None:
    """Whatever arrives, the answer is JSON with a documented status."""
    status, fields = reply_to(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert status in (200, 400)
    assert isinstance(fields, dict)
