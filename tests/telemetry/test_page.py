"""The page on telemetry has the names of telemetry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vectorcache.telemetry import names

pytestmark = pytest.mark.repository

NAMES = {
    value
    for name, value in vars(names).items()
    if name.isupper() and isinstance(value, str) and name not in ("SCOPE", "SCHEMA_URL")
}


@pytest.fixture
def page() -> str:
    """The text of the page."""
    return Path(__file__).parents[2].joinpath("docs", "telemetry.md").read_text()


def test_it_has_every_name(page: str) -> None:
    """Every name of a trace or a metric is on the page."""
    assert [name for name in sorted(NAMES) if f"`{name}" not in page] == []


def test_it_has_no_other_name(page: str) -> None:
    """Every name with one of our prefixes on the page exists."""
    spelt = set(re.findall(r"`((?:gen_ai|vectorcache)\.[\w.]+|vectorcache_\w+)", page))
    modules = {"vectorcache.telemetry"}
    assert {name.removesuffix("_total") for name in spelt} - NAMES - modules == set()
