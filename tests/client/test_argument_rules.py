"""Which values each argument may have, and which message any other value gets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs
import httpx
import pytest

from vectorcache import ConfigurationError, InvalidRequestError, Query
from vectorcache import _arguments as check

Check = Callable[[Any], Any]


def of(function: Any, *names: str, **options: Any) -> Check:
    """Returns a check as a function of the value alone."""

    def checked(value: Any) -> Any:
        return function(*names, value, InvalidRequestError, **options)

    return checked


PROMPT, MODEL, CONTEXT = map(of, (check.check_prompt, check.check_model, check.check_context))
THRESHOLD, TIMEOUT = of(check.check_threshold), of(check.check_timeout)
FLAG, SECONDS = of(check.check_flag, "flag"), of(check.check_seconds, "wait")
COUNT, HEADERS = of(check.check_count, "count", least=3), of(check.check_headers, "extra")


@pytest.mark.parametrize(
    ("checked", "value"),
    [
        (PROMPT, "?"),
        (PROMPT, 32_000 * "x"),
        (PROMPT, "  🙂\n"),
        (MODEL, "gpt-4o"),
        (CONTEXT, ""),
        (CONTEXT, "c"),
        (THRESHOLD, 0.0),
        (THRESHOLD, 1.0),
        (FLAG, True),
        (FLAG, False),
        (SECONDS, None),
        (SECONDS, 1e-9),
        (SECONDS, 1e9),
        (TIMEOUT, None),
        (TIMEOUT, 0.5),
        (TIMEOUT, httpx.Timeout(5, read=None)),
        (COUNT, 3),
        (COUNT, 10**9),
    ],
)
def test_what_is_taken(checked: Check, value: Any) -> None:
    """A value within the limits is used unchanged."""
    assert checked(value) == value
    assert type(checked(value)) is type(value)


def test_whole_numbers_are_numbers() -> None:
    """Seconds and thresholds may be whole numbers, and are used as floats."""
    for value in (THRESHOLD(1), SECONDS(30), TIMEOUT(1)):
        assert type(value) is float


@pytest.mark.parametrize(
    ("checked", "value", "message"),
    [
        (PROMPT, None, "prompt is missing: pass the text as a str"),
        (PROMPT, b"x", "prompt is of type bytes: pass the text as a str"),
        (PROMPT, " \n", "prompt is empty: pass the text of a question"),
        (
            PROMPT,
            32_001 * "x",
            "prompt has 32,001 characters and the service takes at most 32,000: shorten it, or "
            "call the LLM directly",
        ),
        (
            PROMPT,
            1_500 * "x" + "\ud800",
            "prompt has half of a surrogate pair at character 1,500, which is not valid text: "
            "decode it with errors='replace'",
        ),
        (MODEL, None, "model is missing: name one such as 'gpt-4o', or set it on the client"),
        (MODEL, 4, "model is of type int: name one such as 'gpt-4o', or set it on the client"),
        (MODEL, " ", "model is blank: pass a name such as 'gpt-4o'"),
        (MODEL, "\udfff", "model has half of a surrogate pair at character 0"),
        (CONTEXT, 7, "context is of type int: pass a str, or None for none"),
        (CONTEXT, "x\udfff", "context has half of a surrogate pair at character 1"),
        (THRESHOLD, None, "similarity_threshold is missing: pass a number from 0 to 1"),
        (THRESHOLD, True, "similarity_threshold is of type bool: pass a number from 0 to 1"),
        (THRESHOLD, "0.9", "similarity_threshold is of type str: pass a number from 0 to 1"),
        (THRESHOLD, -0.001, "similarity_threshold is -0.001: pass a number from 0 to 1"),
        (THRESHOLD, 1.001, "similarity_threshold is 1.001: pass a number from 0 to 1"),
        (THRESHOLD, float("nan"), "similarity_threshold is nan: pass a number from 0 to 1"),
        (FLAG, 1, "flag is of type int: pass True or False"),
        (FLAG, None, "flag is missing: pass True or False"),
        (SECONDS, True, "wait is of type bool: pass seconds, or None for no limit"),
        (SECONDS, "30", "wait is of type str: pass seconds, or None for no limit"),
        (SECONDS, 0, "wait is 0: pass seconds above 0 and up to 1e9, or None for no limit"),
        (SECONDS, -1, "wait is -1: pass seconds above 0"),
        (SECONDS, 1.1e9, "wait is 1100000000.0: pass seconds above 0"),
        (SECONDS, 10**400, "wait is 10000000000000000000: pass seconds above 0"),
        (TIMEOUT, 0, "timeout is 0: pass seconds above 0"),
        (TIMEOUT, httpx.Timeout(5, read=-1), "timeout.read is -1: pass seconds above 0"),
        (TIMEOUT, httpx.Timeout(5, pool=0), "timeout.pool is 0: pass seconds above 0"),
        (COUNT, 2, "count is 2: pass a whole number of at least 3"),
        (COUNT, 3.0, "count is of type float: pass a whole number of at least 3"),
        (COUNT, True, "count is of type bool: pass a whole number of at least 3"),
        (COUNT, None, "count is missing: pass a whole number of at least 3"),
        (HEADERS, ["x"], "extra is of type list: pass a mapping from header names to values"),
        (HEADERS, {1: "x"}, "extra has the name 1, which is not valid in HTTP"),
        (HEADERS, {"a b": "x"}, "extra has the name 'a b', which is not valid in HTTP"),
        (HEADERS, {"": "x"}, "extra has the name '', which is not valid in HTTP"),
        (
            HEADERS,
            {"Host": "x"},
            "extra sets Host: the client sets that header itself, so remove it",
        ),
        (HEADERS, {"A": "é"}, "extra['A'] must be printable ASCII text on one line"),
        (HEADERS, {"A": "x\n"}, "extra['A'] must be printable ASCII text on one line"),
        (HEADERS, {"A": 1}, "extra['A'] must be printable ASCII text on one line"),
    ],
)
def test_what_is_refused(checked: Check, value: Any, message: str) -> None:
    """The message names the argument, says what is wrong with it, and what to pass."""
    with pytest.raises(InvalidRequestError, match=re.escape(message)) as caught:
        checked(value)
    assert str(caught.value).startswith(message)


def test_the_error_is_the_callers() -> None:
    """An invalid argument raises one class of error for a client, and another for a query."""
    with pytest.raises(ConfigurationError):
        check.check_flag("flag", 1, ConfigurationError)
    with pytest.raises(ConfigurationError):
        check.check_timeout(httpx.Timeout(-1), ConfigurationError)


def test_headers() -> None:
    """Names are changed to lower case, values are kept unchanged, and None means no headers."""
    assert HEADERS({"X-Team": "Two words\t~", "a!#$%&'*+.^_`|~-1": ""}) == {
        "x-team": "Two words\t~",
        "a!#$%&'*+.^_`|~-1": "",
    }
    assert HEADERS(None) == HEADERS({}) == {}


@pytest.mark.parametrize(
    "name",
    [
        "Accept-Encoding",
        "AUTHORIZATION",
        "connection",
        "content-length",
        "Content-Type",
        "host",
        "transfer-encoding",
    ],
)
def test_headers_that_the_client_sets(name: str) -> None:
    """None of these headers can be replaced, in upper or lower case."""
    with pytest.raises(InvalidRequestError, match=f"extra sets {name}: the client sets"):
        HEADERS({"x-fine": "x", name: "x"})


def test_no_header_value_is_shown() -> None:
    """A message does not show the value of a header, because it may be a secret."""
    with pytest.raises(InvalidRequestError) as caught:
        HEADERS({"X-Token": "s3cret\n"})
    assert "s3cret" not in str(caught.value)


class TestQuery:
    """The fields of a query are checked in one place, for all methods that send queries."""

    GOOD = ("prompt", "m", 0.85, "c", True)

    def test_its_fields(self) -> None:
        """Each field is checked and kept; an empty context means no context."""
        assert Query.checked(*self.GOOD) == Query("prompt", "m", 0.85, "c", True)
        assert Query.checked("prompt", "m", 1, "", False) == Query("prompt", "m", 1.0, None, False)
        assert Query.checked("prompt", "m", 1, None, False).context is None

    @pytest.mark.parametrize(
        ("place", "value", "name"),
        [
            (0, "", "prompt"),
            (1, "", "model"),
            (2, 2, "similarity_threshold"),
            (3, 7, "context"),
            (4, 1, "include_debug"),
        ],
    )
    def test_a_field_that_is_wrong(self, place: int, value: object, name: str) -> None:
        """An invalid field raises an error that names the field."""
        fields: list[Any] = [*self.GOOD]
        fields[place] = value
        with pytest.raises(InvalidRequestError, match=f"{name} is"):
            Query.checked(*fields)

    def test_what_before_send_makes_of_it(self) -> None:
        """An unchanged query is the same object afterwards; a changed one is checked again."""
        query = Query.checked(*self.GOOD)
        assert query.screened(lambda query: query) is query
        changed = query.screened(lambda query: attrs.evolve(query, prompt="other", context=""))
        assert changed == Query("other", "m", 0.85, None, True)
        with pytest.raises(InvalidRequestError, match="prompt is empty"):
            query.screened(lambda query: attrs.evolve(query, prompt=""))

    def test_a_hook_that_returns_no_query(self) -> None:
        """If the hook does not return a query, the error says what it must return."""
        message = (
            "before_send returned NoneType: return the query, changed or not, or raise an error "
            "to refuse it (nothing was sent)"
        )
        returns_nothing: Any = print
        with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
            Query.checked(*self.GOOD).screened(returns_nothing)
        assert str(caught.value) == message

    def test_the_request(self) -> None:
        """Every field is in the body of the request; the context only if there is one."""
        assert Query.checked(*self.GOOD).to_body().to_dict() == {
            "prompt": "prompt",
            "model": "m",
            "similarity_threshold": 0.85,
            "context": "c",
            "include_debug": True,
        }
        assert "context" not in Query("prompt", "m", 0.85).to_body().to_dict()
