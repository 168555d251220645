"""What becomes of each parameter of a call: needs none of the libraries."""

from __future__ import annotations

from typing import Any

import pytest

from vectorcache import ConfigurationError, InvalidRequestError
from vectorcache.integrations._messages import Message
from vectorcache.integrations._parameters import Parameters, checked_ignore


def test_options_of_a_query() -> None:
    """What ``client.query`` takes is handed on; None is the same as nothing."""
    given = {"model": "gpt-4o", "similarity_threshold": 0.9, "context": None, "max_retries": 0}
    assert Parameters.checked(given).options == {
        "model": "gpt-4o",
        "similarity_threshold": 0.9,
        "max_retries": 0,
    }


def test_no_time_limit() -> None:
    """For time limits None is no limit, as in a query."""
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
    """What says nothing, or what is so anyway, is accepted and not handed on."""
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
    """What asks for more than a text is refused, even where it is to be ignored."""
    for ignore in ((), (name,)):
        with pytest.raises(InvalidRequestError, match=f"^{name} asks for something else"):
            Parameters.checked({name: value}, ignore)


@pytest.mark.parametrize("name", ["temperature", "top_p", "max_tokens", "seed", "temprature"])
def test_settings(name: str) -> None:
    """Settings that the service has no field for are refused, unless they are to be ignored."""
    with pytest.raises(InvalidRequestError, match=rf"^{name} has no meaning.*ignore=\['{name}'\]"):
        Parameters.checked({name: 0.5})
    assert Parameters.checked({name: 0.5}, checked_ignore([name])) == Parameters({})


def test_values_are_not_repeated() -> None:
    """An error names the parameter and keeps its value, which may be anybody's, to itself."""
    with pytest.raises(InvalidRequestError) as caught:
        Parameters.checked({"tools": [{"description": "Jane Doe"}]})
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize(
    ("stop", "expected"), [("END", ("END",)), (["a", "b"], ("a", "b")), ([], ()), (None, ())]
)
def test_stop(stop: Any, expected: tuple[str, ...]) -> None:
    """``stop`` is a text or several."""
    assert Parameters.checked({"stop": stop}).stop == expected


@pytest.mark.parametrize("stop", ["", [""], [7], 7, {"a": "b"}])
def test_other_stops(stop: object) -> None:
    """A stop sequence that would cut everything off, or is none, is refused."""
    with pytest.raises(InvalidRequestError, match="stop must be"):
        Parameters.checked({"stop": stop})


@pytest.mark.parametrize(
    ("ignore", "says"),
    [
        ("temperature", "takes a list of names"),
        ([7], "takes a list of names"),
        (["tools"], "'tools', which it is not for: the answer would be another"),
        (["stop"], "'stop', which it is not for: it is heard"),
        (["model"], "'model', which it is not for: it is heard"),
    ],
)
def test_what_cannot_be_ignored(ignore: Any, says: str) -> None:
    """``ignore`` is for settings alone, and says so where it is given."""
    with pytest.raises(ConfigurationError, match=says):
        checked_ignore(ignore)


def test_the_query() -> None:
    """A call's own context is used before the client's, and an empty one is none."""
    said = [Message("user", "Why?")]
    own = Parameters.checked({"model": "gpt-4o", "context": "own"})
    assert own.query(said, "the client's") == {
        "model": "gpt-4o",
        "prompt": "Why?",
        "context": "own",
    }
    assert Parameters.checked({}).query(said, "the client's")["context"] == "the client's"
    assert Parameters.checked({"context": ""}).query(said, "the client's")["context"] == ""
