"""The table of scenarios itself."""

from __future__ import annotations

from collections import Counter

import pytest
from faults.page import PAGE, page
from faults.table import GROUPS


def test_there_are_many() -> None:
    """The table has 120 scenarios at least, and none of them twice."""
    rows = Counter(
        (group.title, scenario.fault) for group in GROUPS for scenario in group.scenarios
    )
    assert rows.total() >= 120
    assert rows.most_common(1)[0][1] == 1


def test_everything_that_can_break_is_in_it() -> None:
    """There are scenarios about each part of a call, from the name to the caller's mistakes."""
    assert {group.title for group in GROUPS if group.scenarios} == {
        "Connecting",
        "TLS",
        "Connections used again",
        "Answers that are cut off",
        "Answers that are slow",
        "Framing",
        "Redirects",
        "Statuses",
        "Bodies of errors",
        "Wait hints",
        "Clocks",
        "Payload",
        "Size and compression",
        "More callers than connections",
        "Outages",
        "Mistakes of the caller's own",
        "Proxies",
        "Environment",
    }


def test_promises_are_sentences() -> None:
    """Each row of the page can be read by itself."""
    for group in GROUPS:
        for scenario in group.scenarios:
            assert scenario.promise.endswith("."), scenario.fault
            assert not scenario.promise[0].islower(), scenario.fault


@pytest.mark.repository
def test_the_page_is_current() -> None:
    """docs/faults.md is what scripts/document-faults makes of the scenarios."""
    assert PAGE.read_text(encoding="utf-8") == page()
