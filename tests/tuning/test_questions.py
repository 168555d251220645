"""What tuning takes as prompts, labels and thresholds, and what it says of the rest."""

from __future__ import annotations

import re
from typing import Any

import pytest

from vectorcache import InvalidRequestError
from vectorcache.tuning.questions import Questions, check_share


def test_prompts_alone() -> None:
    """Prompts in their order, and thresholds lowest first; labels are None."""
    assert Questions.checked(["b", "a", "b"], None, [0.9, 0.8]) == Questions(
        ("b", "a", "b"), (0.8, 0.9), None
    )


def test_labels() -> None:
    """They come with the prompts or beside them, as texts or whole numbers, and are the same."""
    prompts: list[dict[str, Any]] = [{"prompt": "a", "label": "x"}, {"prompt": "b", "label": 0}]
    beside = Questions.checked(iter(["a", "b"]), ["x", 0], [0.9])
    assert Questions.checked(prompts, None, [0.9]) == beside
    assert beside.labels == ("x", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("a prompt", None, [0.9]),
            "prompts is of type str: pass a list of them, in the order in which they were asked",
        ),
        (({"prompt": "a"}, None, [0.9]), "prompts is of type dict: pass a list of them"),
        ((7, None, [0.9]), "prompts is of type int: pass a list of them"),
        (
            (["a"], None, [0.9]),
            "prompts has 1 of them: at least two are needed, as each is compared with those before "
            "it; a hundred or more say something",
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
            "labels is of type str: pass a list with one for each prompt",
        ),
        ((["a", "b"], {1, 2}, [0.9]), "labels is of type set: pass a list with one for each"),
        (
            (["a", "b"], [1], [0.9]),
            "labels has 1 entries for 2 prompts: give one for each prompt",
        ),
        ((["a", "b"], [1, None], [0.9]), "the label of prompts[1] is of type NoneType: pass a st"),
        (
            (["a", "b"], None, "0.9"),
            "thresholds is of type str: pass a list of numbers, 0 to 1",
        ),
        ((["a", "b"], None, 0.9), "thresholds is of type float: pass a list of numbers, 0 to 1"),
        ((["a", "b"], None, []), "thresholds is empty: pass at least one number from 0 to 1"),
        ((["a", "b"], None, [0.9, 0.8, 0.9]), "thresholds has 0.9 twice: try each once"),
        ((["a", "b"], None, [0.9, 1.5]), "thresholds has 1.5: pass numbers from 0 to 1"),
        ((["a", "b"], None, ["x"]), "thresholds has 'x': pass numbers from 0 to 1"),
    ],
)
def test_what_is_refused(arguments: tuple[Any, Any, Any], message: str) -> None:
    """It says what is wrong, where, and what to pass."""
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
