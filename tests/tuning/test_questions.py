"""Which prompts, labels and thresholds tuning accepts, and its messages about others."""

from __future__ import annotations

import re
from typing import Any

import pytest

from vectorcache import InvalidRequestError
from vectorcache.tuning.questions import Questions, check_share


def test_prompts_alone() -> None:
    """Prompts keep their order, thresholds are sorted, and labels are None."""
    assert Questions.checked(["b", "a", "b"], None, [0.9, 0.8]) == Questions(
        ("b", "a", "b"), (0.8, 0.9), None
    )


def test_labels() -> None:
    """Labels may be given with the prompts or in their own list, as texts or whole numbers."""
    prompts: list[dict[str, Any]] = [{"prompt": "a", "label": "x"}, {"prompt": "b", "label": 0}]
    separate = Questions.checked(iter(["a", "b"]), ["x", 0], [0.9])
    assert Questions.checked(prompts, None, [0.9]) == separate
    assert separate.labels == ("x", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("a prompt", None, [0.9]),
            "prompts is of type str: pass a list of prompts, in the order in which they were asked",
        ),
        (({"prompt": "a"}, None, [0.9]), "prompts is of type dict: pass a list of prompts"),
        ((7, None, [0.9]), "prompts is of type int: pass a list of prompts"),
        (
            (["a"], None, [0.9]),
            "prompts has a length of 1: pass at least two, as each is compared with those before "
            "it; a hundred or more give useful figures",
        ),
        ((["a", ""], None, [0.9]), "prompts[1]: prompt is empty"),
        (([{"prompt": "a"}, {}], None, [0.9]), "prompts[1]: prompt is missing"),
        (
            ([{"prompt": "a", "label": 1}, "b"], None, [0.9]),
            "1 of 2 prompts have a label: label all of them, or none",
        ),
        (
            ([{"prompt": "a", "label": 1}, {"prompt": "b", "label": 1.5}], None, [0.9]),
            "the label of prompts[1] is of type float: pass a str or int",
        ),
        (
            ([{"prompt": "a", "label": 1}, {"prompt": "b", "label": 1}], [1, 2], [0.9]),
            "labels are given twice, as labels= and with the prompts: give them in one way",
        ),
        (
            (["a", "b"], "xy", [0.9]),
            "labels is of type str: pass a list with one label for each prompt",
        ),
        ((["a", "b"], {1, 2}, [0.9]), "labels is of type set: pass a list with one label"),
        (
            (["a", "b"], [1], [0.9]),
            "labels has 1 entries for 2 prompts: pass one label for each prompt",
        ),
        ((["a", "b"], [1, None], [0.9]), "the label of prompts[1] is of type NoneType: pass a st"),
        (
            (["a", "b"], None, "0.9"),
            "thresholds is of type str: pass a list of numbers, 0 to 1",
        ),
        ((["a", "b"], None, 0.9), "thresholds is of type float: pass a list of numbers, 0 to 1"),
        ((["a", "b"], None, []), "thresholds is empty: pass at least one number from 0 to 1"),
        ((["a", "b"], None, [0.9, 0.8, 0.9]), "thresholds has 0.9 twice: pass each threshold once"),
        ((["a", "b"], None, [0.9, 1.5]), "thresholds has 1.5: pass numbers from 0 to 1"),
        ((["a", "b"], None, ["x"]), "thresholds has 'x': pass numbers from 0 to 1"),
    ],
)
def test_invalid_arguments(arguments: tuple[Any, Any, Any], message: str) -> None:
    """The message says what is wrong, where, and what to pass."""
    with pytest.raises(InvalidRequestError, match=re.escape(message)) as caught:
        Questions.checked(*arguments)
    assert str(caught.value).startswith(message)


def test_shares() -> None:
    """A share is a number from 0 to 1, both ends included."""
    assert [check_share("precision", value) for value in (0, 0.5, 1)] == [0.0, 0.5, 1.0]
    assert type(check_share("precision", 1)) is float
    for value in (-0.01, 1.01, True, "1", None, float("nan")):
        with pytest.raises(InvalidRequestError) as caught:
            check_share("precision", value)
        assert str(caught.value) == f"precision is {value!r}: pass a number from 0 to 1"
