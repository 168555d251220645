"""Checks the table of scenarios, and that docs/faults.md is current."""

from __future__ import annotations

from collections import Counter

import pytest
from faults.page import PAGE, page
from faults.table import GROUPS


def test_there_are_many() -> None:
    """The table has at least 120 scenarios, and no scenario occurs twice."""
    rows = Counter(
        (group.title, scenario.fault) for group in GROUPS for scenario in group.scenarios
    )
    assert rows.total() >= 120
    assert rows.most_common(1)[0][1] == 1


def test_every_part_of_a_call_has_scenarios() -> None:
    """The table covers each part of a call, from the host name to the caller's mistakes."""
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
        "Mistakes of the caller",
        "Proxies",
        "Environment",
    }


def test_promises_are_sentences() -> None:
    """Each promise on the page is a sentence that begins with a capital and ends with a period."""
    for group in GROUPS:
        for scenario in group.scenarios:
            assert scenario.promise.endswith("."), scenario.fault
            assert not scenario.promise[0].islower(), scenario.fault


@pytest.mark.repository
def test_the_page_is_current() -> None:
    """docs/faults.md is what scripts/document-faults makes of the scenarios."""
    assert PAGE.read_text(encoding="utf-8") == page()
