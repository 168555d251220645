"""A user gets every answer that openapi.yaml allows, and no other.

Needs the description, which is in the repository and not in the package.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from clients import MakeClient
from hypothesis import example, given
from jsonschema import Draft202012Validator
from properties.answers import ANSWERS, DEBUG_FIELDS, changed_answers
from properties.effort import examples
from properties.transport import AT_ONCE, Scripted

from vectorcache import APIResponseError, VectorcacheResponse

pytestmark = pytest.mark.repository

HIT: dict[str, Any] = {"cache_hit": True, "response": "", "cost_saved": 0, "llm_provider": ""}


@pytest.fixture(scope="session")
def description() -> Draft202012Validator:
    from description.document import SCHEMAS, SPEC

    return Draft202012Validator(SCHEMAS["QueryResponse"] | {"components": SPEC["components"]})


def answered(make_client: MakeClient) -> Any:
    """Returns a function that queries a service which answers with a given value."""
    transport = Scripted()
    client = make_client(http_client=transport, retry=AT_ONCE, max_retries=0)

    def ask(value: Any) -> VectorcacheResponse:
        transport.chunks = [json.dumps(value).encode()]
        return client.query("Q", "m")

    return ask


def with_defaults(value: dict[str, Any]) -> dict[str, Any]:
    """Returns what ``to_dict`` must return: all fields, with None for those that were left out."""
    fields = {"similarity_score": None, **value}
    if "debug" in fields:
        fields["debug"] = {**dict.fromkeys(DEBUG_FIELDS), **fields["debug"]}
    return fields


def test_every_answer_comes_back_as_it_was(
    make_client: MakeClient, description: Draft202012Validator
) -> None:
    """Every answer that the description allows reaches the user unchanged, with unknown fields."""
    ask = answered(make_client)

    @given(ANSWERS)
    @example({**HIT, "debug": {"cache_entry_count": 7.0}})
    @examples(200)
    def round_trip(value: dict[str, Any]) -> None:
        assert description.is_valid(value)
        result = ask(value)
        assert result.to_dict() == with_defaults(value)
        assert json.loads(json.dumps(result.to_dict())) == with_defaults(value)

    round_trip()


def test_nothing_else_reaches_a_user(
    make_client: MakeClient, description: Draft202012Validator
) -> None:
    """The client accepts an answer exactly if a validator of JSON Schema accepts it."""
    ask = answered(make_client)

    @given(changed_answers())
    @example({**HIT, "cost_saved": -1})
    @example({**HIT, "debug": {"total_time_ms": -0.5}})
    @example({**HIT, "debug": {"cache_entry_count": -1}})
    @example({**HIT, "debug": {"cache_entry_count": 7.5}})
    @example({**HIT, "debug": None})
    @examples(200)
    def same_verdict(value: Any) -> None:
        if description.is_valid(value):
            ask(value)
        else:
            with pytest.raises(APIResponseError, match=r"its field|not a JSON object"):
                ask(value)

    same_verdict()


def test_types_are_what_users_are_told(make_client: MakeClient) -> None:
    """A number arrives as a float and a count as an int, however the service wrote them."""
    ask = answered(make_client)

    @given(ANSWERS)
    @examples(100)
    def types(value: dict[str, Any]) -> None:
        result = ask(value)
        assert type(result.cost_saved) is float
        assert result.similarity_score is None or type(result.similarity_score) is float
        if result.debug is not None:
            count = result.debug.cache_entry_count
            assert count is None or type(count) is int
            assert result.debug.search_time_ms is None or type(result.debug.search_time_ms) is float

    types()
