"""Each parameter of a call is used or refused; these tests need none of the libraries."""

from __future__ import annotations

from typing import Any

import pytest

from vectorcache import ConfigurationError, InvalidRequestError
from vectorcache.integrations._messages import Message
from vectorcache.integrations._parameters import Parameters, checked_ignore


def test_options_of_a_query() -> None:
    """The arguments of ``client.query`` are passed on; None means not given."""
    given = {"model": "gpt-4o", "similarity_threshold": 0.9, "context": None, "max_retries": 0}
    assert Parameters.checked(given).options == {
        "model": "gpt-4o",
        "similarity_threshold": 0.9,
        "max_retries": 0,
    }


def test_no_time_limit() -> None:
    """For time limits None means no limit, as in a query."""
    given = {"timeout": None, "deadline": None}
    assert Parameters.checked(given).options == given


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 1),
        ("stream", False),
        ("tools", []),
        ("tool_choice", "auto"),
        ("tool_choice", "none"),
        ("response_format", {"type": "text"}),
        ("modalities", ["text"]),
        ("logprobs", False),
        ("parallel_tool_calls", False),
        ("user", "jane"),
        ("metadata", {"trace": "7"}),
        ("temperature", None),
        ("no_such_parameter", None),
    ],
)
def test_without_effect(name: str, value: object) -> None:
    """Parameters without effect, and default values, are accepted and not passed on."""
    assert Parameters.checked({name: value}) == Parameters({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("stream", True),
        ("tools", [{"type": "function"}]),
        ("tool_choice", "required"),
        ("functions", [{"name": "f"}]),
        ("response_format", {"type": "json_schema"}),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "alloy"}),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("web_search_options", {}),
    ],
)
def test_features(name: str, value: object) -> None:
    """Parameters that ask for more than one text are refused, even if ``ignore`` names them."""
    for ignore in ((), (name,)):
        with pytest.raises(InvalidRequestError, match=f"^{name} asks for more than one text"):
            Parameters.checked({name: value}, ignore)


@pytest.mark.parametrize("name", ["temperature", "top_p", "max_tokens", "seed", "temprature"])
def test_settings(name: str) -> None:
    """Settings that the service does not support are refused, unless ``ignore`` names them."""
    with pytest.raises(
        InvalidRequestError, match=rf"^{name} is not supported.*ignore=\['{name}'\]"
    ):
        Parameters.checked({name: 0.5})
    assert Parameters.checked({name: 0.5}, checked_ignore([name])) == Parameters({})


def test_values_are_not_repeated() -> None:
    """An error names the parameter but not its value, which may be private."""
    with pytest.raises(InvalidRequestError) as caught:
        Parameters.checked({"tools": [{"description": "Jane Doe"}]})
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize(
    ("stop", "expected"), [("END", ("END",)), (["a", "b"], ("a", "b")), ([], ()), (None, ())]
)
def test_stop(stop: Any, expected: tuple[str, ...]) -> None:
    """``stop`` is one text or several."""
    assert Parameters.checked({"stop": stop}).stop == expected


@pytest.mark.parametrize("stop", ["", [""], [7], 7, {"a": "b"}])
def test_other_stops(stop: object) -> None:
    """An empty stop sequence, and one that is not a text, are refused."""
    with pytest.raises(InvalidRequestError, match="stop must be"):
        Parameters.checked({"stop": stop})


@pytest.mark.parametrize(
    ("ignore", "says"),
    [
        ("temperature", "pass a list of names"),
        ([7], "pass a list of names"),
        (["tools"], "ignore= names 'tools', without which the answer would be wrong: remove it"),
        (["stop"], "ignore= names 'stop', which Vectorcache supports: remove it from ignore="),
        (["model"], "ignore= names 'model', which Vectorcache supports: remove it from ignore="),
    ],
)
def test_what_cannot_be_ignored(ignore: Any, says: str) -> None:
    """``ignore`` refuses supported parameters, and those that would make an answer wrong."""
    with pytest.raises(ConfigurationError, match=says):
        checked_ignore(ignore)


def test_ignored_names_from_a_generator() -> None:
    """``ignore`` may be any iterable, also one that can be read only once."""
    assert checked_ignore(name for name in ("seed", "top_p")) == {"seed", "top_p"}
    with pytest.raises(ConfigurationError, match="'tools'"):
        checked_ignore(name for name in ("seed", "tools"))


def test_the_query() -> None:
    """A call's own context replaces the client's, also if it is empty."""
    messages = [Message("user", "Why?")]
    own = Parameters.checked({"model": "gpt-4o", "context": "own"})
    assert own.query(messages, "the client's") == {
        "model": "gpt-4o",
        "prompt": "Why?",
        "context": "own",
    }
    assert Parameters.checked({}).query(messages, "the client's")["context"] == "the client's"
    assert Parameters.checked({"context": ""}).query(messages, "the client's")["context"] == ""
