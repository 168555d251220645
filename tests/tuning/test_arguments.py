"""Invalid arguments are refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from tuning.service import Service

from vectorcache import InvalidRequestError
from vectorcache.tuning import estimate

TWO = ["one", "two"]


@pytest.mark.parametrize(
    ("prompts", "options", "message"),
    [
        ("one", {}, "prompts is of type str: pass a list"),
        (None, {}, "prompts is of type NoneType"),
        ([], {}, "prompts has a length of 0"),
        (["one"], {}, "pass at least two"),
        (["one", " "], {}, r"prompts\[1\]: prompt is empty"),
        (["one", 2], {}, r"prompts\[1\]: prompt is of type int"),
        (["one", {}], {}, r"prompts\[1\]: prompt is missing"),
        (["one", {"prompt": "two", "label": 1}], {}, "1 of 2 prompts have a label"),
        ([{"prompt": "one", "label": 1.5}, "two"], {}, "label of prompts.0. is of type float"),
        (TWO, {"labels": [1]}, "labels has 1 entries for 2 prompts"),
        (TWO, {"labels": "ab"}, "labels is of type str"),
        ([{"prompt": "a", "label": 1}] * 2, {"labels": [1, 1]}, "labels are given twice"),
        (TWO, {"thresholds": []}, "thresholds is empty"),
        (TWO, {"thresholds": 0.8}, "thresholds is of type float"),
        (TWO, {"thresholds": [0.8, 1.2]}, "thresholds has 1.2: pass numbers from 0 to 1"),
        (TWO, {"thresholds": [0.8, "0.9"]}, "thresholds has '0.9'"),
        (TWO, {"thresholds": [0.8, float("nan")]}, "thresholds has nan"),
        (TWO, {"thresholds": [0.8, 0.9, 0.8]}, "thresholds has 0.8 twice"),
        (TWO, {"precision": 95}, "precision is 95: pass a number from 0 to 1"),
        (TWO, {"max_calls": 0}, "max_calls is 0"),
        (TWO, {"max_llm_calls": 1.5}, "max_llm_calls is of type float"),
        (TWO, {"context_prefix": " "}, "context_prefix is blank"),
    ],
)
def test_invalid_arguments(prompts: Any, options: dict[str, Any], message: str) -> None:
    """The error names the argument and what to pass; nothing is sent."""
    service = Service({})
    with pytest.raises(InvalidRequestError, match=message):
        service.tune(prompts, **options)
    assert not service.queries


def test_the_estimate_refuses_the_same() -> None:
    """``estimate`` refuses the same arguments, so that mistakes show before they cost money."""
    with pytest.raises(InvalidRequestError, match=r"prompts\[1\]"):
        estimate(["one", ""])
    with pytest.raises(InvalidRequestError, match="thresholds"):
        estimate(TWO, [2.0])


def test_any_iterable() -> None:
    """Prompts and thresholds may be generators, and thresholds in any order."""
    vectors = {"one": (1.0, 0.0), "two": (1.0, 0.1)}
    report = Service(vectors).tune(iter(vectors), thresholds=iter([0.9, 0.8]))
    assert [found.threshold for found in report.thresholds] == [0.8, 0.9]
