"""``before_send``: a function that checks or changes each query before it is sent."""

from __future__ import annotations

import re
from typing import Any

import attrs
import pytest
from client.regex_steps import CountingMatcher
from clients import MakeClient
from hypothesis import given
from hypothesis import strategies as st
from servers import ScriptedServer, answer

from vectorcache import (
    ConfigurationError,
    InvalidRequestError,
    Query,
    SensitiveDataError,
    SensitiveDataFilter,
)

SECRETS = {
    "US social security number": "123-45-6789",
    "card number": "4111 1111 1111 1111",
    "e-mail address": "jane.doe+news@mail.example.com",
}
HARMLESS = [
    "What is 10-4?",
    "Call 555-123-4567",
    "Version 1.2.3 of foo@2.0",
    "ISBN 978-3-16-148410-0",
    "The year 2026, 1234 5678 of them",
    "a@b",
    "@mention and user@",
    "order 12345678901234567",
    "0123-45-6789-1",
]


def test_it_sees_the_whole_query(make_client: MakeClient, server: ScriptedServer) -> None:
    """The hook gets the query with the client's defaults filled in, and may let it pass."""
    seen = []

    def look(query: Query) -> Query:
        seen.append(query)
        return query

    client = make_client(before_send=look, model="gpt-4o", context="shop")
    client.query("Q", similarity_threshold=0.9)
    assert seen == [Query("Q", "gpt-4o", 0.9, "shop", False)]
    assert len(server.requests) == 1


def test_it_may_change_the_query(make_client: MakeClient, server: ScriptedServer) -> None:
    """The query that the hook returns is sent, and the fallback gets the same query."""
    asked = []

    def llm(*question: str | None) -> str:
        asked.append(question)
        return "an answer"

    client = make_client(
        before_send=lambda query: attrs.evolve(query, prompt="changed", context=None),
        fallback=llm,
        context="shop",
    )
    client.query("Q", "m")
    assert server.requests[0].json()["prompt"] == "changed"
    assert "context" not in server.requests[0].json()
    server.default = answer(status=500)
    client.query("Q", "m")
    assert asked == [("changed", "m", None)]


def test_it_may_refuse_the_query(make_client: MakeClient, server: ScriptedServer) -> None:
    """An error of the hook reaches the caller unchanged, and nothing is sent."""
    asked = []

    def refuse(query: Query) -> Query:
        raise PermissionError("not on a Sunday")

    client = make_client(before_send=refuse, fallback=lambda *question: asked.append(question))
    with pytest.raises(PermissionError, match="not on a Sunday"):
        client.query("Q", "m")
    assert server.requests == []
    assert asked == []


def test_it_must_return_a_query(make_client: MakeClient, server: ScriptedServer) -> None:
    """A hook that forgets its ``return`` raises an error, and the query is not sent unchecked."""
    client = make_client(before_send=lambda query: None)
    with pytest.raises(ConfigurationError, match="before_send returned NoneType"):
        client.query("Q", "m")
    assert server.requests == []


@pytest.mark.parametrize(
    "change", [{"prompt": ""}, {"prompt": None}, {"model": " "}, {"similarity_threshold": 2}]
)
def test_what_it_returns_is_checked(
    make_client: MakeClient, server: ScriptedServer, change: dict[str, Any]
) -> None:
    """A query that the hook changed is checked like any other."""
    client = make_client(before_send=lambda query: attrs.evolve(query, **change))
    with pytest.raises(InvalidRequestError, match=next(iter(change))):
        client.query("Q", "m")
    assert server.requests == []


def test_it_must_be_a_plain_function(make_client: MakeClient) -> None:
    """A hook that is not a plain function is refused when the client is made."""

    async def screen(query: Query) -> Query:
        return query

    for unfit in ("redact", screen):
        with pytest.raises(ConfigurationError, match="before_send must be a plain function"):
            make_client(before_send=unfit)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("field", ["prompt", "context"])
def test_the_filter_refuses(
    make_client: MakeClient, server: ScriptedServer, name: str, field: str
) -> None:
    """Personal data in prompt or context is refused; the message does not repeat it."""
    client = make_client(before_send=SensitiveDataFilter())
    query = {"prompt": "Q", "context": "shop", field: f"Mine is {SECRETS[name]}, and yours?"}
    with pytest.raises(SensitiveDataError, match=rf"{field} was not sent.*\({name}\)") as e:
        client.query(query["prompt"], "m", context=query["context"])
    assert f"characters 8 to {8 + len(SECRETS[name])}" in str(e.value)
    assert SECRETS[name] not in str(e.value)
    assert "call the LLM" not in str(e.value)
    assert isinstance(e.value, InvalidRequestError)
    assert server.requests == []


def test_the_filter_redacts(make_client: MakeClient, server: ScriptedServer) -> None:
    """With ``action="redact"`` the query is sent with a name instead of the data."""
    client = make_client(before_send=SensitiveDataFilter(action="redact"))
    client.query(f"I am {', '.join(SECRETS.values())}.", "m", context="of a@b.example")
    sent = server.requests[0].json()
    assert sent["prompt"] == f"I am {', '.join(f'<{name}>' for name in SECRETS)}."
    assert sent["context"] == "of <e-mail address>"


@pytest.mark.parametrize("text", HARMLESS)
def test_the_filter_lets_the_rest_pass(text: str) -> None:
    """Text that only resembles personal data is sent unchanged."""
    query = Query(text, "m", 0.85)
    assert SensitiveDataFilter()(query) is query
    assert SensitiveDataFilter(action="redact")(query) is query


def test_patterns_of_the_user() -> None:
    """Patterns replace the ready-made ones; they may be compiled or not."""
    screen = SensitiveDataFilter(patterns={"ticket": r"T-\d+", "badge": re.compile("b[0-9]+")})
    for text in ("see T-17", "see b4"):
        with pytest.raises(SensitiveDataError, match=r"ticket|badge"):
            screen(Query(text, "m", 0.85))
    screen(Query(SECRETS["e-mail address"], "m", 0.85))
    assert "ticket" in repr(screen)


@pytest.mark.parametrize("options", [{"action": "warn"}, {"patterns": {"x": "("}},
                                     {"patterns": {"x": None}}])  # fmt: skip
def test_an_invalid_filter(options: dict[str, Any]) -> None:
    """An unknown action or a broken pattern is refused when the filter is made."""
    with pytest.raises(ConfigurationError, match=r"action is 'warn'|pattern 'x' is not a valid"):
        SensitiveDataFilter(**options)


@given(st.text(), st.text(), st.sampled_from(sorted(SECRETS)))
def test_data_between_spaces_is_found(before: str, after: str, name: str) -> None:
    """Data between spaces is found, whatever the rest of the prompt is."""
    query = Query(f"{before} {SECRETS[name]} {after}", "m", 0.85)
    with pytest.raises(SensitiveDataError):
        SensitiveDataFilter()(query)
    redacted = SensitiveDataFilter(action="redact")(query)
    assert SECRETS[name] not in redacted.prompt


def steps(pattern: re.Pattern[str], text: str) -> int:
    return CountingMatcher(pattern, text).steps


@pytest.mark.parametrize("pattern", SensitiveDataFilter()._patterns.values(), ids=[*SECRETS])
@pytest.mark.parametrize(
    "piece", ["a.", "a", "1", "1234-", "a@", "a@b.", "@", "1234 ", "-", "a@b.c.d.e.f.1 "]
)
def test_steps_are_in_proportion_to_hostile_text(pattern: re.Pattern[str], piece: str) -> None:
    """Twice as much hostile text takes about twice as many steps."""
    assert steps(pattern, 60 * piece) < 2.5 * steps(pattern, 30 * piece)


def test_steps_of_a_bad_pattern() -> None:
    """The test above notices a pattern that tries each end of a run from each of its starts."""
    pattern = re.compile(r"[\w.+-]+@[\w-]+")
    assert steps(pattern, 60 * "a.") > 3.5 * steps(pattern, 30 * "a.")


@pytest.mark.parametrize("pattern", SensitiveDataFilter()._patterns.values(), ids=[*SECRETS])
def test_steps_are_those_of_a_search(pattern: re.Pattern[str]) -> None:
    """The matcher that counts steps finds what ``re`` finds."""
    text = " ".join([*HARMLESS, *SECRETS.values(), "a@b.c.d1.example.com"])
    found = [match.span() for match in pattern.finditer(text)]
    assert found
    assert CountingMatcher(pattern, text).spans == found


def test_a_name_with_a_backslash() -> None:
    """The name of a pattern is inserted unchanged, even if it holds a backslash."""
    redact = SensitiveDataFilter(action="redact", patterns={r"a\1": "x+"})
    query = Query("two xx", "m", 0.85)
    assert redact(query).prompt == r"two <a\1>"


@pytest.mark.parametrize("action", ["refuse", "redact"])
def test_the_repr_of_a_filter(action: Any) -> None:
    """The repr of a filter shows its action and the names of its patterns, not the patterns."""
    found = repr(SensitiveDataFilter(action=action, patterns={"ticket": "T-[0-9]+"}))
    assert found == f"SensitiveDataFilter(action='{action}', patterns=['ticket'])"


def test_patterns_that_are_not_a_mapping() -> None:
    """Patterns that are not a mapping are refused, and the message says what to pass."""
    patterns: Any = ["T-[0-9]+"]
    with pytest.raises(ConfigurationError) as caught:
        SensitiveDataFilter(patterns=patterns)
    assert str(caught.value) == "patterns must be a mapping from names to patterns"
