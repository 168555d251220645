"""The list of the tests that do not run on every platform."""

from __future__ import annotations

from pathlib import Path

import pytest
from platforms import NOT_ON, reason_to_skip

TESTS = Path(__file__).parents[1]
PLACES = sorted({place for places in NOT_ON.values() for place in places})


@pytest.mark.parametrize("place", PLACES)
def test_each_entry_names_what_there_is(place: str) -> None:
    """Every entry of the list names a test that exists."""
    path, _, test = place.partition("::")
    assert (TESTS / path).exists()
    assert not test or f"def {test.rpartition('::')[2]}(" in (TESTS / path).read_text("utf-8")


def test_an_entry_stands_for_all_that_is_in_it() -> None:
    """The tests of a listed file are skipped with its reason, on that platform alone."""
    test = "tests/lifetimes/test_forks.py::test_a_fork[sync]"
    assert reason_to_skip("win32", test) == NOT_ON["win32"]["lifetimes/test_forks.py"]
    assert reason_to_skip("linux", test) is None
    assert reason_to_skip("win32", "tests/client/test_query.py::test_any[sync]") is None
